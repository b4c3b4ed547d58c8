#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../cmocka_all.h"
#include "analyse/pictures.h"
#include "base/cleanup.h"
#include "camera.h"

#define ROOM 4 /* pictures */

struct shelf {
    struct cfg_camera camera;
    struct tracker *tracker;
    struct objects *objects;
    struct pictures *pictures;
    double time;
    bool valid;
    unsigned sent;
    int refuse_after; /* -1: never */
    uint32_t last_revision;
    char last_id[40];
    uint8_t first_pixel;
};

static const struct track_label person = {.name = "person"};
static uint8_t picture[TEST_PICTURE_BYTES];

static int set_up(void **state)
{
    struct shelf *shelf = calloc(1, sizeof *shelf);
    struct tracker_settings settings = {TEST_WIDTH, TEST_HEIGHT, 5, 0, 5, 50};
    shelf->camera = test_camera();
    shelf->tracker = tracker_create(&settings);
    shelf->objects = objects_create(&shelf->camera, &settings);
    shelf->pictures = pictures_create(ROOM * TEST_PICTURE_BYTES);
    shelf->time = 1000;
    shelf->valid = true;
    shelf->refuse_after = -1;
    *state = shelf;
    return 0;
}

static int tear_down(void **state)
{
    struct shelf *shelf = *state;
    pictures_destroy(shelf->pictures);
    objects_destroy(shelf->objects);
    tracker_destroy(shelf->tracker);
    free(shelf);
    return 0;
}

/* Persons in a row, `count` of them, for as many pictures. */
static void show(struct shelf *shelf, unsigned count, unsigned pictures)
{
    struct sighting s[8];
    for (unsigned i = 0; i < count; i++) {
        float x = 10 + 75 * (float)i;
        s[i] = (struct sighting){.label = &person, .score = 0.8f, .box = {x, 100, x + 50, 250}};
    }
    for (unsigned i = 0; i < pictures; i++, shelf->time += 0.2) {
        struct tracker_input input = {.time = shelf->time, .sightings = s, .count = count};
        tracker_update(shelf->tracker, &input);
        objects_update(shelf->objects, shelf->tracker, shelf->time, NULL, 0);
    }
}

static bool is_valid(void *context)
{
    struct shelf *shelf = context;
    return shelf->valid;
}

static struct shot *shoot(struct shelf *shelf, uint8_t luma)
{
    memset(picture, luma, sizeof picture);
    struct frame_info info = {1, shelf->time, 0, TEST_WIDTH, TEST_HEIGHT};
    return pictures_shoot(shelf->pictures, picture, &info, is_valid, shelf);
}

static bool take(struct shelf *shelf, struct object *object, uint8_t luma)
{
    struct shot *shot = shoot(shelf, luma);
    if (shot != NULL) {
        object_take_best(object, shelf->time);
        pictures_keep(shelf->pictures, object, shot);
        pictures_sync(shelf->pictures, shelf->objects);
    }
    return shot != NULL;
}

static int on_send(void *context, const struct picture_parcel *parcel)
{
    struct shelf *shelf = context;
    if (shelf->refuse_after == 0) {
        return -EAGAIN;
    }
    shelf->refuse_after -= shelf->refuse_after > 0;
    shelf->sent++;
    shelf->last_revision = parcel->revision;
    snprintf(shelf->last_id, sizeof shelf->last_id, "%s", parcel->id);
    assert_int_equal(parcel->width, TEST_WIDTH);
    uint8_t *pixels = mmap(NULL, TEST_PICTURE_BYTES, PROT_READ, MAP_SHARED, parcel->memfd, 0);
    assert_ptr_not_equal(pixels, MAP_FAILED);
    shelf->first_pixel = pixels[0];
    assert_int_equal(pixels[TEST_PICTURE_BYTES - 1], pixels[0]);
    munmap(pixels, TEST_PICTURE_BYTES);
    assert_int_not_equal(ftruncate(parcel->memfd, 0), 0); /* who maps it is safe */
    return 0;
}

static struct object *object_number(struct shelf *shelf, unsigned n)
{
    struct object *o = objects_next(shelf->objects, NULL);
    while (n-- > 0) {
        o = objects_next(shelf->objects, o);
    }
    assert_non_null(o);
    return o;
}

static void test_delivered_once(void **state)
{
    struct shelf *shelf = *state;
    show(shelf, 2, 3);
    struct object *a = object_number(shelf, 0), *b = object_number(shelf, 1);
    assert_true(take(shelf, a, 10));
    assert_int_equal(pictures_deliver(shelf->pictures, on_send, shelf), 0);
    assert_int_equal(shelf->sent, 1);
    assert_string_equal(shelf->last_id, a->id);
    assert_int_equal(shelf->last_revision, 1);
    assert_int_equal(shelf->first_pixel, 10);
    assert_int_equal(pictures_deliver(shelf->pictures, on_send, shelf), 0);
    assert_int_equal(shelf->sent, 1);
    assert_true(take(shelf, a, 20)); /* better: replaces it */
    assert_int_equal(pictures_deliver(shelf->pictures, on_send, shelf), 0);
    assert_int_equal(shelf->last_revision, 2);
    assert_int_equal(pictures_bytes(shelf->pictures), TEST_PICTURE_BYTES);
    /* one picture for two objects is one copy */
    struct shot *shot = shoot(shelf, 30);
    object_take_best(a, shelf->time);
    object_take_best(b, shelf->time);
    pictures_keep(shelf->pictures, a, shot);
    pictures_keep(shelf->pictures, b, shot);
    pictures_sync(shelf->pictures, shelf->objects);
    assert_int_equal(pictures_bytes(shelf->pictures), TEST_PICTURE_BYTES);
}

static void test_refused_and_again(void **state)
{
    struct shelf *shelf = *state;
    show(shelf, 3, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(take(shelf, object_number(shelf, i), 10));
    }
    shelf->refuse_after = 1;
    assert_int_equal(pictures_deliver(shelf->pictures, on_send, shelf), -EAGAIN);
    assert_int_equal(shelf->sent, 1);
    shelf->refuse_after = -1;
    assert_int_equal(pictures_deliver(shelf->pictures, on_send, shelf), 0);
    assert_int_equal(shelf->sent, 3);
    pictures_start_over(shelf->pictures, shelf->objects); /* a new server */
    assert_int_equal(pictures_deliver(shelf->pictures, on_send, shelf), 0);
    assert_int_equal(shelf->sent, 6);
}

static void test_overwritten_is_not_taken(void **state)
{
    struct shelf *shelf = *state;
    show(shelf, 1, 3);
    shelf->valid = false;
    assert_false(take(shelf, object_number(shelf, 0), 10));
    assert_int_equal(pictures_bytes(shelf->pictures), 0);
    assert_int_equal(object_number(shelf, 0)->best.revision, 0);
}

/* More objects than room: undelivered ones are never thrown away, the oldest delivered one is; a
 * new server makes its object want a picture again. */
static void test_bounded(void **state)
{
    struct shelf *shelf = *state;
    show(shelf, 6, 4);
    for (unsigned i = 0; i < ROOM; i++) {
        shelf->time += 0.01;
        assert_true(take(shelf, object_number(shelf, i), (uint8_t)i));
    }
    assert_false(take(shelf, object_number(shelf, ROOM), 77));
    assert_int_equal(pictures_bytes(shelf->pictures), ROOM * TEST_PICTURE_BYTES);
    assert_int_equal(pictures_deliver(shelf->pictures, on_send, shelf), 0);
    assert_true(take(shelf, object_number(shelf, ROOM), 77));
    assert_int_equal(pictures_bytes(shelf->pictures), ROOM * TEST_PICTURE_BYTES);
    pictures_start_over(shelf->pictures, shelf->objects);
    shelf->sent = 0;
    assert_int_equal(pictures_deliver(shelf->pictures, on_send, shelf), 0);
    assert_int_equal(shelf->sent, ROOM);
    show(shelf, 6, 1);
    for (unsigned i = 0; i < 6; i++) { /* 0 lost its picture, 5 never had one */
        struct object *o = object_number(shelf, i);
        assert_int_equal(o->wants_best, i == 0 || (i == 5 && !o->false_positive));
    }
}

static void test_gone_with_the_object(void **state)
{
    struct shelf *shelf = *state;
    show(shelf, 1, 5);
    assert_true(take(shelf, object_number(shelf, 0), 10));
    show(shelf, 0, 20);
    assert_int_not_equal(object_number(shelf, 0)->end_time, 0);
    pictures_sync(shelf->pictures, shelf->objects); /* ended, not yet told: kept */
    assert_int_equal(pictures_bytes(shelf->pictures), TEST_PICTURE_BYTES);
    objects_forget_ended(shelf->objects, 0);
    pictures_sync(shelf->pictures, shelf->objects);
    assert_int_equal(pictures_bytes(shelf->pictures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delivered_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_and_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overwritten_is_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gone_with_the_object, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
