/* What HTTP threads see while messages come in. */
#include "../cmocka_all.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "fixture.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/live.h"
#include "server/live_object.h"
#include "server/picture.h"
#include "server/previews.h"
#include "server/stats.h"

static int yard;

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture, "    best_image_timeout: 60\n", "");
    fixture_serve(&fixture);
    yard = config_camera_index(fixture.config, "yard");
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_finish(*state);
    return 0;
}

static void counts_by_label_and_zone(void **state)
{
    struct fixture *fixture = *state;
    struct live *live = server_live(fixture->server);
    struct msg_zone lawn = {0};
    struct msg_object objects[4] = {
        fixture_object("1.0-aaaaaa", "person", 1), fixture_object("1.0-bbbbbb", "person", 1),
        fixture_object("1.0-cccccc", "car", 1), fixture_object("1.0-dddddd", "car", 1)};
    objects[0].current_zones.items = &lawn;
    objects[0].current_zones.count = 1;
    objects[3].false_positive = true;
    fixture_send_frame(fixture, "yard", 2, objects, 4, 1);
    assert_int_equal(live_count(live, yard, NULL, NULL), 3);
    assert_int_equal(live_count(live, yard, "person", NULL), 2);
    assert_int_equal(live_count(live, yard, "person", "lawn"), 1);
    assert_int_equal(live_count(live, yard, "car", "lawn"), 0);
    assert_int_equal(live_count(live, yard, NULL, "lawn"), 1);
    AUTO_LIVE_VIEW struct live_view view;
    assert_true(live_get_view(live, yard, &view));
    assert_int_equal(view.object_count, 4);
    assert_int_equal(view.motion_count, 1);
    assert_int_equal(view.motion[0].box[3], 60);
    assert_int_equal(view.region_count, 1);
    fixture_send_frame(fixture, "yard", 3, NULL, 0, 0);
    assert_int_equal(live_count(live, yard, NULL, NULL), 0);
}

/* Picture and particulars may come in either order; what is shown fits together. */
static void best_picture_fits_its_box(void **state)
{
    struct fixture *fixture = *state;
    struct live *live = server_live(fixture->server);
    struct msg_object object = fixture_object("1.0-aaaaaa", "person", 1);
    struct live_object found = {0};
    fixture_send_best(fixture, "yard", "1.0-aaaaaa", 1, 1, 100); /* before its object */
    assert_false(live_find_object(live, "1.0-aaaaaa", &found, NULL));
    fixture_send_frame(fixture, "yard", 1, &object, 1, 1);
    assert_true(live_find_object(live, "1.0-aaaaaa", &found, NULL));
    assert_int_equal(found.best.revision, 1);
    assert_int_equal(found.best.picture->pixels[0], 100);
    assert_true(found.has_clip && found.has_snapshot);
    live_object_finish(&found);

    object.best_revision = 2;
    object.best_box[0] = 7;
    fixture_send_frame(fixture, "yard", 2, &object, 1, 1); /* before its picture */
    assert_true(live_find_object(live, "1.0-aaaaaa", &found, NULL));
    assert_int_equal(found.best.revision, 1);
    assert_int_equal(found.best.box[0], 96);
    live_object_finish(&found);
    fixture_send_best(fixture, "yard", "1.0-aaaaaa", 2, 2, 200);
    assert_true(live_find_object(live, "1.0-aaaaaa", &found, NULL));
    assert_int_equal(found.best.revision, 2);
    assert_int_equal(found.best.box[0], 7);
    assert_int_equal(found.best.picture->pixels[0], 200);
    /* A copy outlives the object. */
    fixture_crash(fixture);
    assert_int_equal(found.best.picture->pixels[1000], 200);
    live_object_finish(&found);
}

static bool a_preview_was_missed(void *context)
{
    struct fixture *fixture = context;
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    previews_report(server_previews(fixture->server), &json);
    return strstr(str_text(&text), "\"missed\":1") != NULL;
}

/* Neither in a message nor in the ring. */
static void times_that_are_none_are_refused(void **state)
{
    static const double times[] = {NAN, INFINITY, 0, -5};
    struct fixture *fixture = *state;
    struct live *live = server_live(fixture->server);
    struct msg_object object = fixture_object("1.0-aaaaaa", "person", 1);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        fixture_send_frame(fixture, "yard", times[i], &object, 1, 1);
        assert_int_equal(live_count(live, yard, NULL, NULL), 0);
    }
    fixture_give_ring(fixture, "yard", 60, 128, 128, NAN);
    fixture_send_frame(fixture, "yard", 1, &object, 1, 1);
    assert_int_equal(live_count(live, yard, NULL, NULL), 1);
    assert_true(fixture_wait(fixture, a_preview_was_missed, fixture));
}

static void picture_that_is_none_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct live *live = server_live(fixture->server);
    struct msg_object object = fixture_object("1.0-aaaaaa", "person", 1);
    fixture_send_frame(fixture, "yard", 1, &object, 1, 1);
    struct msg_best best = {.camera = "yard", .id = "1.0-aaaaaa", .revision = 1, .time = 1};
    best.width = 1280; /* more than the file holds */
    best.height = 720;
    fixture_send(fixture, BOARD_ANALYSE, "yard", MSG_BEST, &best,
                 fixture_picture_fd(640, 360, 1, 1, 1));
    best.width = 640;
    best.height = 360;
    int unsealed = memfd_create("unsealed", MFD_CLOEXEC);
    assert_int_equal(ftruncate(unsealed, 640 * 360 * 2), 0);
    fixture_send(fixture, BOARD_ANALYSE, "yard", MSG_BEST, &best, unsealed);
    fixture_send(fixture, BOARD_ANALYSE, "yard", MSG_BEST, &best, -1);
    best.width = 0;
    fixture_send(fixture, BOARD_ANALYSE, "yard", MSG_BEST, &best,
                 fixture_picture_fd(640, 360, 1, 1, 1));
    struct live_state counted;
    live_get_state(live, &counted);
    assert_int_equal(counted.pictures_refused, 4);
    struct live_object found = {0};
    assert_true(live_find_object(live, "1.0-aaaaaa", &found, NULL));
    assert_null(found.best.picture);
    live_object_finish(&found);
}

static void send_with_picture(struct fixture *fixture, const char *id, double time, float score,
                              const int32_t box[4])
{
    struct msg_object object = fixture_object(id, "person", time);
    object.best_score = score;
    object.best_time = time;
    memcpy(object.best_box, box, sizeof object.best_box);
    object.best_area = (box[2] - box[0]) * (box[3] - box[1]);
    fixture_send_best(fixture, "yard", id, 1, time, 100);
    fixture_send_frame(fixture, "yard", time, &object, 1, 1);
}

static const char *best_person(struct fixture *fixture)
{
    static char id[IPC_ID];
    struct live_object object = {0};
    id[0] = '\0';
    if (live_best_of_label(server_live(fixture->server), yard, "person", &object)) {
        snprintf(id, sizeof id, "%s", object.state.id);
        live_object_finish(&object);
    }
    return id;
}

static void best_of_label(void **state)
{
    static const int32_t inside[4] = {100, 100, 200, 200};
    static const int32_t bigger[4] = {100, 100, 250, 250};
    static const int32_t cut[4] = {0, 100, 300, 300};
    struct fixture *fixture = *state;
    assert_string_equal(best_person(fixture), "");
    send_with_picture(fixture, "1.0-first", 1000, 0.8F, inside);
    assert_string_equal(best_person(fixture), "1.0-first");
    send_with_picture(fixture, "1.0-worse", 1001, 0.6F, inside);
    assert_string_equal(best_person(fixture), "1.0-first");
    send_with_picture(fixture, "1.0-cut", 1002, 0.99F, cut);
    assert_string_equal(best_person(fixture), "1.0-first");
    send_with_picture(fixture, "1.0-larger", 1003, 0.8F, bigger);
    assert_string_equal(best_person(fixture), "1.0-larger");
    send_with_picture(fixture, "1.0-later", 1064, 0.6F, inside); /* a minute on */
    assert_string_equal(best_person(fixture), "1.0-later");
}

static void face_makes_a_better_person(void **state)
{
    struct live_picture *picture = live_picture_new(NULL, 640, 360, 0);
    struct msg_attribute face = {.label = "face", .score = 0.9F, .box = {10, 10, 30, 30}};
    struct live_object plain = {
        .state = {.label = "person"},
        .best = {.picture = picture, .score = 0.95F, .area = 9000, .box = {5, 5, 100, 100}}};
    struct live_object with_face = plain;
    with_face.best.score = 0.6F;
    with_face.best.attributes = &face;
    with_face.best.attribute_count = 1;
    assert_true(live_object_better(&with_face, &plain));
    assert_false(live_object_better(&plain, &with_face));
    with_face.state = (struct msg_object){.label = "dog"}; /* means nothing there */
    plain.state = (struct msg_object){.label = "dog"};
    assert_false(live_object_better(&with_face, &plain));
    live_picture_unref(picture);
}

static bool gone(void *context)
{
    struct fixture *fixture = context;
    return live_count(server_live(fixture->server), yard, NULL, NULL) == 0;
}

/* The channel of a dead analyse closes, and no successor speaks up. */
static void objects_end_with_their_analyse(void **state)
{
    struct fixture *fixture = *state;
    int fds[2];
    assert_int_equal(channel_pair(fds), 0);
    struct msg_give give = {.what = GIVE_LINK, .role = BOARD_ANALYSE, .name = "yard"};
    server_give(fixture->server, &give, &fds[0]);
    assert_int_equal(fds[0], -1);
    struct loop *loop = loop_create();
    struct channel *worker = channel_create(loop, fds[1], NULL, NULL, NULL);
    struct msg_object object = fixture_object("1.0-aaaaaa", "person", 1700000001);
    struct msg_frame frame = {.camera = "yard", .time = 1700000002, .objects = {&object, 1}};
    assert_int_equal(channel_send(worker, MSG_FRAME, &frame, -1), 0);
    channel_destroy(worker);
    loop_destroy(loop);
    /* It is heard, stays for a while, and then ends as it was last seen. */
    struct mono before = mono_now();
    fixture_settle(fixture);
    assert_true(fixture_wait(fixture, gone, fixture));
    assert_true(mono_since_us(before) > 2000000);
    fixture_settle(fixture);
    fixture_stop(fixture);
    fixture_serve(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT end_time FROM event"), "1700000006");
}

static void on_grid(void *context, struct channel *channel, struct message *message)
{
    const struct msg_grid *grid = message->value;
    assert_int_equal(message->type, MSG_GRID);
    assert_string_equal(grid->camera, "yard");
    snprintf(context, 64, "%.63s", grid->json);
}

static void on_closed(void *context, struct channel *channel, int error) {}

static bool heard(void *context)
{
    return *(const char *)context != '\0';
}

static void grid_is_kept_for_the_next_analyse(void **state)
{
    struct fixture *fixture = *state;
    static struct msg_grid grid = {.camera = "yard", .updated = 1700000000};
    snprintf(grid.json, sizeof grid.json, "[[{\"sizes\":[0.25]}]]");
    fixture_send(fixture, BOARD_ANALYSE, "yard", MSG_GRID, &grid, -1);
    snprintf(grid.json, sizeof grid.json, "no json");
    fixture_send(fixture, BOARD_ANALYSE, "yard", MSG_GRID, &grid, -1);
    fixture_settle(fixture);
    assert_string_equal(fixture_query(fixture, "SELECT grid FROM regions WHERE camera = 'yard'"),
                        "[[{\"sizes\":[0.25]}]]");
    fixture_stop(fixture);
    fixture_serve(fixture);
    int fds[2];
    char got[64] = "";
    assert_int_equal(channel_pair(fds), 0);
    struct msg_give give = {.what = GIVE_LINK, .role = BOARD_ANALYSE, .name = "yard"};
    server_give(fixture->server, &give, &fds[0]);
    struct channel *worker = channel_create(fixture->loop, fds[1], on_grid, on_closed, got);
    assert_true(fixture_wait(fixture, heard, got));
    channel_destroy(worker);
    assert_string_equal(got, "[[{\"sizes\":[0.25]}]]");
}

/* --- threads --- */

struct reader {
    struct fixture *fixture;
    atomic_bool stop;
    atomic_uint rounds;
};

static void *read_all_the_time(void *context)
{
    struct reader *reader = context;
    struct live *live = server_live(reader->fixture->server);
    while (!atomic_load(&reader->stop)) {
        struct picture_options options = {.format = PICTURE_JPEG, .height = 60, .bbox = true};
        AUTO_STR struct str picture = {0};
        AUTO_STR struct str json = {0};
        AUTO_LIVE_VIEW struct live_view view;
        struct live_object object = {0};
        live_get_view(live, yard, &view);
        picture_latest(live, reader->fixture->config, yard, &options, &picture);
        if (live_find_object(live, "1.0-aaaaaa", &object, NULL)) {
            picture_thumbnail(&object, &picture);
            live_object_finish(&object);
        }
        live_count(live, yard, "person", "lawn");
        stats_json(server_stats(reader->fixture->server), &json);
        events_forget(server_events(reader->fixture->server), "1.0-nobody");
        atomic_fetch_add(&reader->rounds, 1);
    }
    return NULL;
}

/* For the thread sanitizer, mostly. */
static void readers_and_messages_together(void **state)
{
    struct fixture *fixture = *state;
    struct reader reader = {.fixture = fixture};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, &reader), 0);
    }
    struct msg_object object = fixture_object("1.0-aaaaaa", "person", 1);
    uint32_t revision = 0;
    for (int i = 0; i < 60 || atomic_load(&reader.rounds) < 10; i++) {
        object.best_revision = ++revision;
        object.end_time = i % 10 == 9 ? i : 0;
        fixture_send_frame(fixture, "yard", 10 + i, &object, 1, 2);
        fixture_send_best(fixture, "yard", "1.0-aaaaaa", revision, 10 + i, 100);
        fixture_settle(fixture);
        if (i % 20 == 10) {
            fixture_give_ring(fixture, "yard", 100, 128, 128, wall_seconds(wall_now()));
        }
    }
    atomic_store(&reader.stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* --- jobs --- */

struct counting {
    pthread_mutex_t lock;
    unsigned ran, reported;
};

static void hold(void *data)
{
    struct counting *counting = data;
    pthread_mutex_lock(&counting->lock);
    counting->ran++;
    pthread_mutex_unlock(&counting->lock);
}

static void report(void *data)
{
    ((struct counting *)data)->reported++;
}

static void jobs_are_bounded_and_drained(void **state)
{
    struct loop *loop = loop_create();
    struct jobs *jobs = jobs_create(loop);
    struct counting counting = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_mutex_lock(&counting.lock); /* the thread stands still in the first */
    unsigned taken = 0;
    while (jobs_submit(jobs, JOB_SOON, hold, report, &counting) == 0) {
        taken++;
    }
    assert_int_equal(taken, JOBS_MAX);
    assert_int_equal(jobs_drain(jobs, 10), -ETIMEDOUT);
    pthread_mutex_unlock(&counting.lock);
    assert_int_equal(jobs_drain(jobs, 10000), 0);
    assert_int_equal(counting.ran, JOBS_MAX);
    assert_int_equal(counting.reported, JOBS_MAX);
    assert_int_equal(jobs_submit(jobs, JOB_LATER, hold, report, &counting), 0);
    jobs_destroy(jobs);
    assert_int_equal(counting.reported, JOBS_MAX + 1); /* whether it ran or not */
    loop_destroy(loop);
}

struct noting {
    struct counting *counting;
    char *order;
    char name;
};

static void note(void *data)
{
    struct noting *noting = data;
    pthread_mutex_lock(&noting->counting->lock);
    noting->order[strlen(noting->order)] = noting->name;
    pthread_mutex_unlock(&noting->counting->lock);
}

static void nothing(void *data) {}

static void jobs_with_time_wait(void **state)
{
    struct loop *loop = loop_create();
    struct jobs *jobs = jobs_create(loop);
    struct counting counting = {.lock = PTHREAD_MUTEX_INITIALIZER};
    char order[8] = "";
    struct noting first = {&counting, order, '1'};
    struct noting later = {&counting, order, 'l'};
    struct noting soon = {&counting, order, 's'};
    pthread_mutex_lock(&counting.lock);
    jobs_submit(jobs, JOB_SOON, note, nothing, &first);
    jobs_submit(jobs, JOB_LATER, note, nothing, &later);
    jobs_submit(jobs, JOB_SOON, note, nothing, &soon);
    pthread_mutex_unlock(&counting.lock);
    assert_int_equal(jobs_drain(jobs, 10000), 0);
    assert_int_equal(strlen(order), 3);
    assert_non_null(strstr(order, "sl"));
    jobs_destroy(jobs);
    loop_destroy(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts_by_label_and_zone),
        TEST(best_picture_fits_its_box),
        TEST(times_that_are_none_are_refused),
        TEST(picture_that_is_none_is_refused),
        TEST(best_of_label),
        cmocka_unit_test(face_makes_a_better_person),
        TEST(objects_end_with_their_analyse),
        TEST(grid_is_kept_for_the_next_analyse),
        TEST(readers_and_messages_together),
        cmocka_unit_test(jobs_are_bounded_and_drained),
        cmocka_unit_test(jobs_with_time_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
