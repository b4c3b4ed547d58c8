/* /api/stats from a scoreboard written by hand. */
#include "../cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scan.h"
#include "fixture.h"
#include "server/gpu.h"
#include "server/procfs.h"
#include "server/stats.h"
#include "server/stats_samples.h"
#include "server/volumes.h"

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture, "", "telemetry:\n  stats:\n    network_bandwidth: true\n");
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_finish(*state);
    return 0;
}

static struct board_entry *entry(struct fixture *fixture, enum board_role role, const char *name)
{
    struct board_entry *found = board_find(fixture->board, role, name);
    assert_non_null(found);
    return found;
}

/* --- rates --- */

static void rates_over_ten_seconds(void **state)
{
    struct fixture *fixture = *state;
    struct board_entry *analyse = entry(fixture, BOARD_ANALYSE, "yard");
    struct samples samples;
    samples_init(&samples, fixture->board);
    int64_t now_us = 1000000000;
    assert_true(samples_rate(&samples, analyse, SAMPLE_FRAMES) == 0);
    /* One sample: the average since the start of everything. */
    fixture->board->started_mono_us = now_us - 200000000;
    atomic_store(&analyse->analyse.frames, 1000);
    samples_take(&samples, now_us);
    assert_true(samples_rate(&samples, analyse, SAMPLE_FRAMES) == 5);
    samples_finish(&samples);
    samples_init(&samples, fixture->board);
    /* 5 a second for 20 s: the window holds the last ten. */
    for (int i = 0; i <= 20; i++) {
        atomic_store(&analyse->analyse.frames, 1000 + 5 * (unsigned)i);
        samples_take(&samples, now_us += 1000000);
        if (i > 0) {
            assert_true(samples_rate(&samples, analyse, SAMPLE_FRAMES) == 5);
        }
    }
    /* It hangs: the rate falls to zero within the window, it does not freeze. */
    for (int i = 1; i <= 10; i++) {
        samples_take(&samples, now_us += 1000000);
        double rate = samples_rate(&samples, analyse, SAMPLE_FRAMES);
        assert_true(rate > 5 - i * 0.5 - 0.01 && rate < 5 - i * 0.5 + 0.01);
    }
    /* Samples that come too often, or after a pause. */
    for (int i = 0; i < 100; i++) {
        atomic_fetch_add(&analyse->analyse.frames, 1);
        samples_take(&samples, now_us += 100000);
    }
    double rate = samples_rate(&samples, analyse, SAMPLE_FRAMES);
    assert_true(rate > 9 && rate < 11);
    samples_take(&samples, now_us += 60000000);
    assert_true(samples_rate(&samples, analyse, SAMPLE_FRAMES) >= 0);
    assert_true(samples_rate(&samples, NULL, SAMPLE_FRAMES) == 0);
    samples_finish(&samples);
}

/* --- the document --- */

static json_t *get(json_t *from, const char *path)
{
    char text[160];
    snprintf(text, sizeof text, "%s", path);
    char *rest = text;
    char *key;
    while (from != NULL && (key = strsep(&rest, ">")) != NULL) {
        from = json_object_get(from, key);
    }
    if (from == NULL) {
        fail_msg("no %s", path);
    }
    return from;
}

static void assert_sorted(const json_t *value)
{
    const char *last = "";
    const char *key;
    json_t *child;
    size_t index;
    if (json_is_array(value)) {
        json_array_foreach(value, index, child)
        {
            assert_sorted(child);
        }
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
    {
        if (strcmp(last, key) >= 0) {
            fail_msg("%s comes before %s", last, key);
        }
        last = key;
        assert_sorted(child);
    }
}

static json_t *stats_of(struct fixture *fixture)
{
    AUTO_STR struct str text = {0};
    stats_json(server_stats(fixture->server), &text);
    json_error_t error;
    json_t *stats = json_loads(str_text(&text), JSON_REJECT_DUPLICATES, &error);
    if (stats == NULL) {
        fail_msg("%s in %s", error.text, str_text(&text));
    }
    return stats;
}

static void every_field_is_there(void **state)
{
    struct fixture *fixture = *state;
    struct board_entry *capture = entry(fixture, BOARD_CAPTURE, "yard");
    struct board_entry *analyse = entry(fixture, BOARD_ANALYSE, "yard");
    struct board_entry *detector = entry(fixture, BOARD_DETECTOR, "cpu1");
    atomic_store(&capture->pid, getpid());
    atomic_store(&capture->starts, 3);
    snprintf(capture->last_death, sizeof capture->last_death, "killed by signal \"9\"\xff");
    snprintf(capture->state_text, sizeof capture->state_text, "connecting");
    atomic_store(&capture->capture.audio_dbfs_x10000, -351234);
    atomic_store(&capture->capture.audio_rms_x10000, 5712345);
    struct board_entry *door = entry(fixture, BOARD_ANALYSE, "door");
    atomic_store(&analyse->analyse.detection_enabled, 1);
    atomic_store(&analyse->state, 1);
    atomic_store(&door->state, 1);
    atomic_store(&detector->detector.inference_us_ema, 10480);
    atomic_store(&detector->detector.start_wall_us, 1700000000250000);
    fixture_serve(fixture);
    json_t *stats = stats_of(fixture);
    assert_sorted(stats);

    assert_true(json_is_real(get(stats, "cameras>yard>camera_fps")));
    assert_true(json_is_real(get(stats, "cameras>yard>process_fps")));
    assert_true(json_is_real(get(stats, "cameras>yard>skipped_fps")));
    assert_true(json_is_real(get(stats, "cameras>yard>detection_fps")));
    assert_true(json_is_true(get(stats, "cameras>yard>detection_enabled")));
    assert_true(json_is_false(get(stats, "cameras>door>detection_enabled")));
    assert_int_equal(json_integer_value(get(stats, "cameras>yard>capture_pid")), getpid());
    assert_int_equal(json_integer_value(get(stats, "cameras>yard>ffmpeg_pid")), getpid());
    assert_true(json_is_null(get(stats, "cameras>yard>pid")));
    assert_true(json_real_value(get(stats, "cameras>yard>audio_dBFS")) == -35.1234);
    assert_true(json_real_value(get(stats, "cameras>yard>audio_rms")) == 571.2345);
    assert_true(json_is_real(get(stats, "detection_fps")));
    assert_true(json_real_value(get(stats, "detectors>cpu1>inference_speed")) == 10.48);
    assert_true(json_real_value(get(stats, "detectors>cpu1>detection_start")) == 1700000000.25);
    assert_true(json_is_null(get(stats, "detectors>cpu1>pid")));

    char path[64];
    static const char *const texts[] = {"cpu", "cpu_average", "mem", "cmdline"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "cpu_usages>%d>%s", getpid(), texts[i]);
        assert_true(strlen(json_string_value(get(stats, path))) > 0);
    }
    assert_true(json_is_string(get(stats, "cpu_usages>frigate.full_system>cpu")));
    assert_true(json_is_string(get(stats, "cpu_usages>frigate.full_system>mem")));
    snprintf(path, sizeof path, "bandwidth_usages>%d>bandwidth", getpid());
    assert_true(json_is_real(get(stats, path)));

    assert_true(json_integer_value(get(stats, "service>uptime")) >= 0);
    assert_true(json_integer_value(get(stats, "service>uptime")) < 100);
    assert_memory_equal(json_string_value(get(stats, "service>version")), "0.14.1-corvette.", 16);
    assert_true(json_is_string(get(stats, "service>latest_version")));
    assert_true(json_is_object(get(stats, "service>temperatures")));
    double age =
        wall_seconds(wall_now()) - (double)json_integer_value(get(stats, "service>last_updated"));
    assert_true(age > -1 && age < 10);
    static const char *const places[] = {"/media/frigate/recordings", "/media/frigate/clips",
                                         "/tmp/cache", "/dev/shm"};
    for (size_t i = 0; i < 4; i++) {
        json_t *place = json_object_get(get(stats, "service>storage"), places[i]);
        assert_true(json_real_value(json_object_get(place, "total")) > 0);
        assert_true(json_is_real(json_object_get(place, "used")));
        assert_true(json_is_real(json_object_get(place, "free")));
        assert_true(json_string_length(json_object_get(place, "mount_type")) > 0);
        assert_string_equal(json_string_value(json_object_get(place, "mount_type")),
                            json_string_value(json_object_get(place, "mnt_type")));
    }
    assert_int_equal(json_integer_value(get(stats, "processes>server>pid")), getpid());
    assert_true(json_is_integer(get(stats, "processes>supervisor>pid")));

    /* Our own. */
    assert_int_equal(json_integer_value(get(stats, "corvette>cameras>yard>capture>starts")), 3);
    assert_memory_equal(json_string_value(get(stats, "corvette>cameras>yard>capture>last_death")),
                        "killed by signal \"9\"", 20);
    assert_string_equal(json_string_value(get(stats, "corvette>cameras>yard>capture>trouble")),
                        "connecting");
    assert_string_equal(json_string_value(get(stats, "corvette>cameras>yard>analyse>state")),
                        "stopped");
    assert_true(json_is_integer(get(stats, "corvette>server>events>lost")));
    assert_true(json_is_integer(get(stats, "corvette>server>database>queued")));
    assert_true(json_is_true(get(stats, "corvette>demo_model")));
    assert_true(json_array_size(get(stats, "corvette>warnings")) >= 1);
    json_decref(stats);
}

static bool has_history(void *context)
{
    struct fixture *fixture = context;
    AUTO_STR struct str text = {0};
    stats_history_json(server_stats(fixture->server), "", &text);
    return text.length > 2;
}

static void history_by_keys(void **state)
{
    struct fixture *fixture = *state;
    fixture_serve(fixture);
    AUTO_STR struct str text = {0};
    stats_history_json(server_stats(fixture->server), "service", &text);
    assert_string_equal(str_text(&text), "[]");
    assert_false(has_history(fixture));
    stats_remember(server_stats(fixture->server));
    str_clear(&text);
    stats_history_json(server_stats(fixture->server), "service,gone,detection_fps,gone", &text);
    json_t *list = json_loads(str_text(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(list), 1);
    json_t *one = json_array_get(list, 0);
    assert_int_equal(json_object_size(one), 3);
    assert_true(json_is_null(json_object_get(one, "gone")));
    assert_true(json_is_object(json_object_get(one, "service")));
    json_decref(list);
    for (int i = 0; i < STATS_HISTORY + 5; i++) {
        stats_remember(server_stats(fixture->server));
    }
    str_clear(&text);
    stats_history_json(server_stats(fixture->server), NULL, &text);
    list = json_loads(str_text(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(list), STATS_HISTORY);
    json_decref(list);
}

/* --- the machine --- */

static void own_process(void **state)
{
    struct procfs_process before;
    struct procfs_process now;
    assert_int_equal(procfs_read(getpid(), &before), 0);
    assert_true(before.rss_bytes > 1 << 20);
    do { /* ten clock ticks of work: one alone may come right after `before` was read */
        assert_int_equal(procfs_read(getpid(), &now), 0);
    } while (now.cpu_us - before.cpu_us < 100000);
    double percent = procfs_cpu_percent(&before, &now);
    assert_true(percent > 0 && percent < 200); /* one thread, however busy the machine */
    assert_true(procfs_cpu_average(&now) > 0);
    now.started_us++; /* the pid was given to another */
    assert_true(procfs_cpu_percent(&before, &now) == procfs_cpu_average(&now));
    assert_true(procfs_read(-1, &now) < 0);
    AUTO_STR struct str command = {0};
    procfs_command_line(getpid(), &command);
    assert_non_null(strstr(str_text(&command), "test_server_stats"));
    struct procfs_machine machine;
    assert_int_equal(procfs_machine(&machine), 0);
    assert_true(machine.memory_total_bytes >= machine.memory_available_bytes);
    assert_true(procfs_memory_limit() > 0 && procfs_memory_limit() <= machine.memory_total_bytes);
}

static void scanning(void **state)
{
    const char *at = "05.30x";
    int number = -1;
    assert_true(scan_digits(&at, 2, &number) && number == 5);
    assert_false(scan_digits(&at, 2, &number));
    assert_true(scan_text(&at, ".") && scan_digits(&at, 2, &number) && number == 30);
    assert_string_equal(at, "x");
    assert_false(scan_text(&at, "xy"));
    int64_t values[4] = {7, 7, 7, 7};
    assert_int_equal(scan_numbers("  12 S\t-3\n99", values, 4), 3);
    assert_true(values[0] == 12 && values[1] == 0 && values[2] == -3 && values[3] == 7);
    char word[4];
    at = "toolong x";
    assert_false(scan_word(&at, word, sizeof word));
}

static void mount_types(void **state)
{
    static const char mountinfo[] =
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "23 22 0:20 / /dev/shm rw - tmpfs tmpfs rw\n"
        "24 22 8:17 /x /mnt/big\\040disk rw master:3 shared:9 - xfs /dev/sdb1 rw\n"
        "25 22 0:50 / /mnt/big\\040disk/nas rw - nfs4 host:/export rw\n";
    static const struct {
        const char *path, *type;
    } cases[] = {
        {"/home/x", "ext4"},
        {"/dev/shm", "tmpfs"},
        {"/dev/shmem", "ext4"},
        {"/mnt/big disk/media", "xfs"},
        {"/mnt/big disk/nas/a", "nfs4"},
    };
    char type[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        volumes_type(cases[i].path, mountinfo, type, sizeof type);
        assert_string_equal(type, cases[i].type);
    }
    volumes_type("/x", "garbage\n\nmore", type, sizeof type);
    assert_string_equal(type, "");
}

/* With a GPU: sensible numbers; without: nothing at all. */
static void gpus(void **state)
{
    struct gpu *gpu = gpu_create();
    if (gpu == NULL) {
        skip();
    }
    struct gpu_load loads[GPU_MAX];
    size_t count = gpu_read(gpu, loads);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(loads[i].name) > 0);
        assert_true(loads[i].gpu <= 100 && loads[i].memory <= 100);
        assert_true(loads[i].memory >= 0);
    }
    gpu_destroy(gpu);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rates_over_ten_seconds),  TEST(every_field_is_there),    TEST(history_by_keys),
        cmocka_unit_test(own_process), cmocka_unit_test(mount_types), cmocka_unit_test(scanning),
        cmocka_unit_test(gpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
