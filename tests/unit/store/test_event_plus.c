#include "../cmocka_all.h"

#include <errno.h>

#include "folder.h"
#include "store/db_event.h"
#include "store/db_event_plus.h"

#define PATIENCE_MS 20000

static void put(struct folder *folder, const char *id, const char *data)
{
    struct store_work *work = store_begin(folder->store);
    db_event_put(work, &(struct db_event){.id = id,
                                          .label = "person",
                                          .camera = "back",
                                          .start_time = 100,
                                          .end_time = {true, 110},
                                          .zones_json = "[]",
                                          .thumbnail = "",
                                          .has_snapshot = true,
                                          .model_hash = "hash",
                                          .data_json = data});
    assert_int_equal(store_submit_wait(work, PATIENCE_MS), 1);
}

static void test_reading(void **state)
{
    struct folder *folder = *state;
    put(folder, "new",
        "{\"box\":[0.1,0.2,0.3,0.4],\"region\":[0,0.5,1,0.25],\"score\":0.75,"
        "\"top_score\":0.9}");
    put(folder, "manual", "{\"score\":null,\"top_score\":0.5}");
    AUTO_READER struct db *db = store_reader(folder->store);
    AUTO_EVENT_PLUS struct db_event_plus event = {0}, manual = {0}, none = {0};
    assert_int_equal(db_event_plus_get(db, "none", &none), -ENOENT);
    assert_int_equal(db_event_plus_get(db, "new", &event), 0);
    assert_string_equal(event.camera, "back");
    assert_string_equal(event.label, "person");
    assert_true(event.ended && event.has_box && !event.false_positive);
    assert_null(event.plus_id);
    assert_true(event.box[0] == 0.1 && event.box[3] == 0.4 && event.region[3] == 0.25);
    assert_true(event.score == 0.75);
    assert_string_equal(event.model_hash, "hash");
    assert_null(event.model_type);
    assert_int_equal(db_event_plus_get(db, "manual", &manual), 0);
    assert_true(!manual.has_box && manual.score == 0.5);
}

/* What was sent stays through later writing of the event. */
static void test_sent(void **state)
{
    struct folder *folder = *state;
    for (int mistake = 0; mistake < 2; mistake++) {
        put(folder, "e", "{}");
        struct store_work *work = store_begin(folder->store);
        db_event_plus_sent(work, "e", "image", mistake);
        assert_int_equal(store_submit_wait(work, PATIENCE_MS), 1);
        put(folder, "e", "{}");
        AUTO_READER struct db *db = store_reader(folder->store);
        AUTO_EVENT_PLUS struct db_event_plus event = {0};
        assert_int_equal(db_event_plus_get(db, "e", &event), 0);
        assert_string_equal(event.plus_id, "image");
        assert_int_equal(event.false_positive, mistake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reading, folder_setup_store, folder_teardown),
        cmocka_unit_test_setup_teardown(test_sent, folder_setup_store, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
