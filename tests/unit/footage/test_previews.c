/* Names, sizes and hours of previews; the pictures in the cache; what a film is put together from.
 */
#include "../cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "footage/preview_hours.h"
#include "footage/preview_strip.h"
#include "store/db_preview.h"
#include "store/db_recording.h"

/* ------------------------------------------------------------------ pure */

static void sizes(void **state)
{
    static const int rows[][4] = {
        {1280, 720, 320, 180},  {640, 480, 240, 180},  {2560, 1440, 320, 180},
        {720, 1280, 180, 320},  {480, 640, 180, 240},  {1000, 1000, 180, 180},
        {1920, 1080, 320, 180}, {704, 576, 220, 180},  {1280, 960, 240, 180},
        {320, 180, 320, 180},   {8000, 10, 4096, 180},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int width, height;
        preview_size(rows[i][0], rows[i][1], &width, &height);
        assert_int_equal(width, rows[i][2]);
        assert_int_equal(height, rows[i][3]);
    }
}

static void qualities(void **state)
{
    static const struct {
        enum cfg_quality quality;
        int webp, bit_rate;
    } rows[] = {
        {CFG_QUALITY_VERY_LOW, 70, 7168},   {CFG_QUALITY_LOW, 80, 8196},
        {CFG_QUALITY_MEDIUM, 80, 9216},     {CFG_QUALITY_HIGH, 80, 9864},
        {CFG_QUALITY_VERY_HIGH, 86, 10096},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(preview_webp_quality(rows[i].quality), rows[i].webp);
        assert_int_equal(preview_bit_rate(rows[i].quality), rows[i].bit_rate);
    }
}

static void names(void **state)
{
    static const struct {
        const char *name, *camera;
        double time;
    } good[] = {
        {"preview_front-1700000000.5.webp", "front", 1700000000.5},
        {"preview_front_door-1700000000.0.webp", "front_door", 1700000000},
        {"preview_back-yard-1718987129.308396.webp", "back-yard", 1718987129.308396},
        {"preview_a-1-2.25.webp", "a-1", 2.25},
    };
    static const char *const bad[] = {
        "preview_front-1700000000.webp",
        "preview_front-1700000000.50.webp",
        "preview_front-x.webp",
        "preview_-5.0.webp",
        "preview_front-5.0.png",
        "preview_front.webp",
        "front-5.0.webp",
        "preview_../../x-5.0.webp",
        "preview_front-5.0.webp.part",
        "",
        "preview_front-nan.webp",
    };
    char camera[PREVIEW_CAMERA_MAX];
    double time;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        AUTO_STR struct str name = {0};
        assert_true(preview_name_parse(good[i].name, camera, &time));
        assert_string_equal(camera, good[i].camera);
        assert_true(time == good[i].time);
        preview_name(camera, time, &name);
        assert_string_equal(str_text(&name), good[i].name);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (preview_name_parse(bad[i], camera, &time)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

static void names_of_films(void **state)
{
    double first, last;
    assert_true(preview_film_parse("1729792802.77512-1729796400.353757.mp4", &first, &last));
    assert_true(first == 1729792802.77512 && last == 1729796400.353757);
    assert_false(preview_film_parse("1729796400.5-1729792802.5.mp4", &first, &last));
    assert_false(preview_film_parse("1729792802.5.mp4", &first, &last));
    assert_false(preview_film_parse("a-b.mp4", &first, &last));
    assert_false(preview_film_parse(".1-2.mp4.part", &first, &last));
}

static void hours_are_spread(void **state)
{
    assert_int_equal(preview_hour(7199.999), 1);
    assert_int_equal(preview_hour(7200), 2);
    double least = INFINITY, most = 0;
    for (int i = 0; i < 64; i++) {
        AUTO_FREE char *camera = mem_printf("camera_%d", i);
        double after = preview_due(camera, 10) - 11 * 3600;
        assert_true(after >= PREVIEW_WAIT_S && after < PREVIEW_WAIT_S + PREVIEW_SPREAD_S);
        assert_true(preview_due(camera, 10) == preview_due(camera, 10));
        least = fmin(least, after);
        most = fmax(most, after);
    }
    assert_true(most - least > PREVIEW_SPREAD_S / 2.0);
}

/* ------------------------------------------------------------------ the cache */

struct place {
    char path[64];
    struct store *store;
    struct preview_frames *frames;
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    return remove(path);
}

static int set_up(void **state)
{
    struct place *place = mem_alloc(sizeof *place);
    snprintf(place->path, sizeof place->path, "/tmp/corvette-previews-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    AUTO_FREE char *folder = mem_printf("%s/" PREVIEW_FOLDER, place->path);
    AUTO_FREE char *database = mem_printf("%s/x.db", place->path);
    struct err err = ERR_NONE;
    assert_int_equal(file_make_dirs(folder), 0);
    place->store = store_open(database, &err);
    assert_non_null(place->store);
    place->frames = preview_frames_create(place->path);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    preview_frames_destroy(place->frames);
    store_close(place->store);
    nftw(place->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(place);
    return 0;
}

static void put_file(const struct place *place, const char *folder, const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/%s/%s", place->path, folder, name);
    assert_int_equal(file_make_parent_dirs(path), 0);
    assert_int_equal(file_write_atomic(path, "x", 1), 0);
}

static bool is_there(const struct place *place, const char *relative)
{
    AUTO_FREE char *path = mem_printf("%s/%s", place->path, relative);
    return access(path, F_OK) == 0;
}

static void assert_times(struct place *place, const char *camera, double from, double to,
                         const double *wanted, size_t count)
{
    size_t got;
    AUTO_FREE double *times = preview_frames_times(place->frames, camera, from, to, &got);
    assert_int_equal(got, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(times[i] == wanted[i]);
    }
}

static void pictures_of_one_camera_are_its_own(void **state)
{
    struct place *place = *state;
    static const double front[] = {100.5, 101.5, 103}, door[] = {101}, late[] = {103, 104};
    put_file(place, PREVIEW_FOLDER, "preview_front-103.0.webp");
    put_file(place, PREVIEW_FOLDER, "preview_front_door-101.0.webp");
    put_file(place, PREVIEW_FOLDER, "preview_front-100.5.webp");
    put_file(place, PREVIEW_FOLDER, ".front.part");
    put_file(place, PREVIEW_FOLDER, "README");
    /* Written before the folder was read: not known twice. */
    assert_int_equal(preview_frames_add(place->frames, "front", 101.5, "abc", 3), 0);
    preview_frames_load(place->frames);
    assert_times(place, "front", 0, INFINITY, front, 3);
    assert_times(place, "front_door", 0, INFINITY, door, 1);
    assert_times(place, "fro", 0, INFINITY, NULL, 0);
    assert_times(place, "front", 100.5, 101.5, front, 2);
    assert_times(place, "front", 101.6, 102.9, NULL, 0);
    assert_false(is_there(place, PREVIEW_FOLDER "/.front.part"));
    assert_true(is_there(place, PREVIEW_FOLDER "/README"));
    double before;
    assert_true(preview_frames_before(place->frames, "front", 103, &before) && before == 101.5);
    assert_false(preview_frames_before(place->frames, "front", 100.5, &before));
    preview_frames_remove(place->frames, "front", front, 2);
    assert_int_equal(preview_frames_add(place->frames, "front", 104, "abc", 3), 0);
    assert_times(place, "front", 0, INFINITY, late, 2);
    assert_false(is_there(place, PREVIEW_FOLDER "/preview_front-100.5.webp"));
    assert_true(is_there(place, PREVIEW_FOLDER "/preview_front_door-101.0.webp"));
}

static void what_frigate_put_aside_is_taken_in(void **state)
{
    struct place *place = *state;
    static const double times[] = {50.25, 60};
    put_file(place, "media/clips/preview_restart_cache", "preview_yard-60.0.webp");
    put_file(place, "media/clips/preview_restart_cache", "preview_yard-50.25.webp");
    preview_frames_load(place->frames);
    assert_times(place, "yard", 0, INFINITY, times, 2);
    assert_true(is_there(place, PREVIEW_FOLDER "/preview_yard-60.0.webp"));
    assert_false(is_there(place, "media/clips/preview_restart_cache"));
}

static void gone_pictures_are_forgotten(void **state)
{
    struct place *place = *state;
    preview_frames_load(place->frames);
    assert_int_equal(preview_frames_add(place->frames, "yard", 7, "abc", 3), 0);
    AUTO_FREE char *path = mem_printf("%s/" PREVIEW_FOLDER "/preview_yard-7.0.webp", place->path);
    AUTO_CLOSE int fd = preview_frames_open(place->frames, "yard", 7);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(preview_frames_open(place->frames, "yard", 7), -ENOENT);
    assert_times(place, "yard", 0, INFINITY, NULL, 0);
    /* Somebody tidied the folder away: it comes back. */
    AUTO_FREE char *folder = mem_printf("%s/" PREVIEW_FOLDER, place->path);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(preview_frames_add(place->frames, "yard", 8, "abc", 3), 0);
    assert_true(is_there(place, PREVIEW_FOLDER "/preview_yard-8.0.webp"));
}

static void make_old(const struct place *place, const char *relative)
{
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    AUTO_FREE char *path = mem_printf("%s/%s", place->path, relative);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Films that were made for somebody, and half of one that a death left. */
static void old_films_leave_the_cache(void **state)
{
    static const char *const gone[] = {"cache/preview_yard_1.0-2.0.mp4",
                                       "cache/.preview_abc123.part"};
    static const char *const kept[] = {"cache/preview_yard_2.0-3.0.mp4",
                                       "cache/.preview_def456.part", "cache/.other.part"};
    static const struct config config;
    struct place *place = *state;
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
        put_file(place, "cache", gone[i] + strlen("cache/"));
        make_old(place, gone[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        put_file(place, "cache", kept[i] + strlen("cache/"));
    }
    make_old(place, "cache/.other.part");
    struct preview_hours *hours =
        preview_hours_create(&config, place->store, place->path, place->frames);
    for (int i = 0; i < 500 && (is_there(place, gone[0]) || is_there(place, gone[1])); i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    preview_hours_destroy(hours);
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
        assert_false(is_there(place, gone[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        assert_true(is_there(place, kept[i]));
    }
}

/* ------------------------------------------------------------------ plans */

static void put_film(struct place *place, double start, double end)
{
    char from[32], to[32];
    AUTO_FREE char *name = mem_printf("%s-%s.mp4", str_double(from, start), str_double(to, end));
    AUTO_FREE char *id = mem_printf("yard_%s", to);
    AUTO_FREE char *path = mem_printf("/media/frigate/clips/previews/yard/%s", name);
    put_file(place, "media/clips/previews/yard", name);
    struct store_work *work = store_begin(place->store);
    db_preview_put(work, &(struct db_preview){id, "yard", path, start, end, end - start});
    assert_true(store_submit_wait(work, 10000) >= 0);
}

static bool always(void *context)
{
    return true;
}

struct plan {
    struct preview_plan plan;
    struct render_strip strip;
    int result;
};

static struct plan plan_of(struct place *place, double from, double to,
                           enum render_strip_format format)
{
    struct preview_wish wish = {"yard", from, to, format};
    struct preview_making making = {place->path, place->frames, always, NULL};
    struct plan plan;
    plan.result = preview_strip_plan(&wish, NULL, place->store, &making, &plan.plan, &plan.strip);
    return plan;
}

/* Two films with a hole, pictures in the hole and after them. */
static void put_history(struct place *place)
{
    put_film(place, 3600, 7200);
    put_film(place, 7100, 9000);
    preview_frames_load(place->frames);
    static const double times[] = {7150, 9100, 9101, 9102};
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        assert_int_equal(preview_frames_add(place->frames, "yard", times[i], "abc", 3), 0);
    }
}

static void spans_use_all_there_is(void **state)
{
    struct place *place = *state;
    put_history(place);
    struct plan plan = plan_of(place, 7000, 9101.5, RENDER_MP4);
    assert_int_equal(plan.result, 0);
    assert_int_equal(plan.plan.count, 4);
    const struct preview_piece *p = plan.plan.pieces;
    assert_true(str_ends(p[0].path, "/3600.0-7200.0.mp4"));
    assert_int_equal(p[0].part.from_us, 3400000000);
    assert_int_equal(p[0].part.to_us, 3600000000);
    assert_int_equal(p[0].part.at_us, 0);
    assert_true(str_ends(p[1].path, "/7100.0-9000.0.mp4")); /* its rest */
    assert_int_equal(p[1].part.from_us, 100000000);
    assert_int_equal(p[1].part.to_us, 1900000000);
    assert_int_equal(p[1].part.at_us, 24000000);         /* 200 s of the film before, at 0.12 */
    assert_true(p[2].path == NULL && p[2].time == 9100); /* 7150 is in a film */
    assert_int_equal(p[2].part.at_us, 240000000);
    assert_true(p[3].time == 9101);
    assert_int_equal(p[3].part.at_us, 240120000);
    assert_int_equal(plan.strip.end_us, 240240000);
    preview_plan_finish(&plan.plan);
}

static void long_spans_are_shown_faster(void **state)
{
    struct place *place = *state;
    put_history(place);
    struct plan plan = plan_of(place, 0, 1e9, RENDER_GIF);
    assert_int_equal(plan.result, 0);
    assert_in_range(plan.strip.end_us, 59000000, 60100000);
    assert_int_equal(plan.plan.pieces[0].part.source, RENDER_ALL);
    preview_plan_finish(&plan.plan);
    for (int hour = 10; hour < 22; hour++) {
        put_film(place, hour * 3600, hour * 3600 + 3600);
    }
    plan = plan_of(place, 0, 1e9, RENDER_GIF);
    assert_int_equal(plan.result, 0);
    assert_int_equal(plan.plan.pieces[0].part.source, RENDER_KEYS);
    assert_in_range(plan.strip.end_us, 59000000, 60100000);
    preview_plan_finish(&plan.plan);
}

static void without_a_picture_the_one_before_is_shown(void **state)
{
    struct place *place = *state;
    put_history(place);
    struct plan plan = plan_of(place, 9110, 9120, RENDER_GIF);
    assert_int_equal(plan.result, 0);
    assert_int_equal(plan.plan.count, 1);
    assert_true(plan.plan.pieces[0].time == 9102);
    preview_plan_finish(&plan.plan);
    plan = plan_of(place, 9200, 9210, RENDER_GIF); /* too long ago */
    assert_int_equal(plan.result, -ENOENT);
    preview_plan_finish(&plan.plan);
}

static void put_recording(struct store_work *work, double start, int motion)
{
    AUTO_FREE char *id = mem_printf("%.1f-abcdef", start);
    AUTO_FREE char *path =
        mem_printf("/media/frigate/recordings/1970-01-01/00/yard/%.0f.mp4", start);
    db_recording_put(work, &(struct db_recording){.id = id,
                                                  .camera = "yard",
                                                  .path = path,
                                                  .start_time = start,
                                                  .end_time = start + 10,
                                                  .duration = 10,
                                                  .motion = {true, motion}});
}

static void recordings_are_looked_at_by_what_moves(void **state)
{
    struct place *place = *state;
    struct store_work *work = store_begin(place->store);
    for (int i = 0; i < 12; i++) {
        put_recording(work, 1000 + i * 10, i == 5 ? 3 : 0);
    }
    assert_true(store_submit_wait(work, 10000) >= 0);
    AUTO_READER struct db *db = store_reader(place->store);
    struct preview_plan plan = {.camera = "yard"};
    struct preview_pace pace = {.speed = 1, .step = 1, .quiet = 30};
    double first, last;
    assert_int_equal(preview_plan_recordings(&plan, db, 1005, 1110, &pace, &first, &last), 0);
    assert_true(first == 1005 && last == 1110);
    /* One in 30 s while nothing moves, every second of what moves. */
    static const double begins[] = {1005, 1040, 1050, 1080};
    assert_int_equal(plan.count, ARRAY_SIZE(begins));
    for (size_t i = 0; i < plan.count; i++) {
        assert_int_equal(plan.pieces[i].part.at_us, (begins[i] - 1005) * 1e6);
        assert_int_equal(plan.pieces[i].part.step_us, begins[i] == 1050 ? 1000000 : 30000000);
        assert_int_equal(plan.pieces[i].part.source, RENDER_KEYS);
    }
    assert_int_equal(plan.pieces[0].part.from_us, 5000000);
    assert_false(preview_plan_has_file(&plan, place->path, place->frames));
    put_file(place, "media/recordings/1970-01-01/00/yard", "1050.mp4");
    assert_true(preview_plan_has_file(&plan, place->path, place->frames));
    preview_plan_finish(&plan);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(qualities),
        cmocka_unit_test(names),
        cmocka_unit_test(names_of_films),
        cmocka_unit_test(hours_are_spread),
        IN_PLACE(pictures_of_one_camera_are_its_own),
        IN_PLACE(what_frigate_put_aside_is_taken_in),
        IN_PLACE(gone_pictures_are_forgotten),
        IN_PLACE(old_films_leave_the_cache),
        IN_PLACE(spans_use_all_there_is),
        IN_PLACE(long_spans_are_shown_faster),
        IN_PLACE(without_a_picture_the_one_before_is_shown),
        IN_PLACE(recordings_are_looked_at_by_what_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
