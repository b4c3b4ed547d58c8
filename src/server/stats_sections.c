#include "server/stats_sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/volumes.h"

static void put_fixed(struct jout *json, const char *key, double value, int decimals)
{
    jout_key(json, key);
    jout_fixed(json, value, decimals);
}

/* The seed's maps of processes hold texts. */
static void put_text(struct jout *json, const char *key, double value, const char *unit)
{
    char text[48];
    snprintf(text, sizeof text, "%.1f%s", value, unit);
    jout_put_string(json, key, text);
}

static void put_pid(struct jout *json, const char *key, const struct board_entry *entry)
{
    int pid = entry != NULL ? atomic_load(&entry->pid) : 0;
    jout_key(json, key);
    if (pid > 0) {
        jout_int(json, pid);
    } else {
        jout_null(json);
    }
}

static struct board_entry *entry_of(const struct stats_source *source, enum board_role role,
                                    const char *name)
{
    return board_find(source->setup->board, role, name);
}

static int by_detector_name(const void *a, const void *b)
{
    return strcmp((*(const struct cfg_detector *const *)a)->name,
                  (*(const struct cfg_detector *const *)b)->name);
}

static const struct cfg_detector **sorted_detectors(const struct config *config)
{
    const struct cfg_detector **detectors = mem_array(config->detector_count, sizeof *detectors);
    for (size_t i = 0; i < config->detector_count; i++) {
        detectors[i] = &config->detectors[i];
    }
    qsort(detectors, config->detector_count, sizeof *detectors, by_detector_name);
    return detectors;
}

/* --- bandwidth_usages: what each capture receives --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool write_bandwidth(const struct stats_source *source, struct jout *json)
{
    const struct config *config = source->setup->config;
    if (!config->telemetry.network_bandwidth) {
        return false;
    }
    struct row {
        char pid[16];
        double kb_per_s;
    } *rows = mem_array(config->camera_count, sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < config->camera_count; i++) {
        struct board_entry *entry = entry_of(source, BOARD_CAPTURE, config->cameras[i].name);
        int pid = entry != NULL ? atomic_load(&entry->pid) : 0;
        if (pid > 0) {
            snprintf(rows[count].pid, sizeof rows[count].pid, "%d", pid);
            rows[count++].kb_per_s = samples_rate(source->samples, entry, SAMPLE_BYTES) / 1000;
        }
    }
    qsort(rows, count, sizeof *rows, by_text);
    jout_begin_object(json);
    for (size_t i = 0; i < count; i++) {
        jout_key(json, rows[i].pid);
        jout_begin_object(json);
        put_fixed(json, "bandwidth", rows[i].kb_per_s, 1);
        jout_end_object(json);
    }
    jout_end_object(json);
    free(rows);
    return true;
}

/* --- cameras --- */

static bool write_cameras(const struct stats_source *source, struct jout *json)
{
    const struct config *config = source->setup->config;
    const struct cfg_camera **cameras = config_cameras_by_name(config);
    jout_begin_object(json);
    for (size_t i = 0; i < config->camera_count; i++) {
        const struct cfg_camera *camera = cameras[i];
        struct board_entry *capture = entry_of(source, BOARD_CAPTURE, camera->name);
        struct board_entry *analyse = entry_of(source, BOARD_ANALYSE, camera->name);
        double dbfs = capture != NULL ? atomic_load(&capture->capture.audio_dbfs_x10000) / 1e4 : 0;
        double rms = capture != NULL ? atomic_load(&capture->capture.audio_rms_x10000) / 1e4 : 0;
        bool detects = analyse != NULL && atomic_load(&analyse->state) != 0
                           ? atomic_load(&analyse->analyse.detection_enabled) != 0
                           : camera->enabled && camera->detect.enabled;
        jout_key(json, camera->name);
        jout_begin_object(json);
        put_fixed(json, "audio_dBFS", dbfs, 4);
        put_fixed(json, "audio_rms", rms, 4);
        put_fixed(json, "camera_fps", samples_rate(source->samples, capture, SAMPLE_CAMERA_FRAMES),
                  2);
        put_pid(json, "capture_pid", capture);
        jout_put_bool(json, "detection_enabled", detects);
        put_fixed(json, "detection_fps", samples_rate(source->samples, analyse, SAMPLE_DETECTIONS),
                  2);
        /* libav runs inside capture; never null in the peer */
        jout_put_int(json, "ffmpeg_pid", capture != NULL ? atomic_load(&capture->pid) : 0);
        put_pid(json, "pid", analyse);
        put_fixed(json, "process_fps", samples_rate(source->samples, analyse, SAMPLE_FRAMES), 2);
        put_fixed(json, "skipped_fps", samples_rate(source->samples, analyse, SAMPLE_SKIPPED), 2);
        jout_end_object(json);
    }
    jout_end_object(json);
    free(cameras);
    return true;
}

/* --- corvette: what Frigate has no place for --- */

/* Counters as rows: member of the entry, key. Sorted by key. */
struct counter_row {
    const char *key;
    size_t offset; /* of an atomic_uint_fast64_t */
};
#define COUNTER(part, member)                              \
    {                                                      \
#member, offsetof(struct board_entry, part.member) \
    }

static const struct counter_row capture_rows[] = {
    COUNTER(capture, bytes),          COUNTER(capture, decode_errors),
    COUNTER(capture, frames_decoded), COUNTER(capture, frames_detect),
    COUNTER(capture, packets),        COUNTER(capture, packets_dropped),
    COUNTER(capture, packets_lost),   COUNTER(capture, reconnects),
    COUNTER(capture, segment_bytes),  COUNTER(capture, segments),
};
static const struct counter_row analyse_rows[] = {
    COUNTER(analyse, detections),       COUNTER(analyse, detections_late),
    COUNTER(analyse, frames),           COUNTER(analyse, frames_skipped),
    COUNTER(analyse, messages_dropped), COUNTER(analyse, regions_dropped),
};
static const struct counter_row detector_rows[] = {
    COUNTER(detector, expired),
    COUNTER(detector, failed),
    COUNTER(detector, inferences),
};
static const struct counter_row server_rows[] = {
    COUNTER(server, answers_again),
    COUNTER(server, answers_bytes),
    COUNTER(server, answers_kept),
    COUNTER(server, requests),
    COUNTER(server, rows_delayed),
    COUNTER(server, rows_written),
};

static const struct counter_row sound_rows[] = {
    COUNTER(sound, failed),           COUNTER(sound, hops_lost), COUNTER(sound, inferences),
    COUNTER(sound, messages_dropped), COUNTER(sound, windows),
};

static const struct {
    enum board_role role;
    const struct counter_row *rows;
    size_t count;
} role_counters[] = {
    {BOARD_CAPTURE, capture_rows, sizeof capture_rows / sizeof capture_rows[0]},
    {BOARD_ANALYSE, analyse_rows, sizeof analyse_rows / sizeof analyse_rows[0]},
    {BOARD_DETECTOR, detector_rows, sizeof detector_rows / sizeof detector_rows[0]},
    {BOARD_SERVER, server_rows, sizeof server_rows / sizeof server_rows[0]},
    {BOARD_SOUND, sound_rows, sizeof sound_rows / sizeof sound_rows[0]},
};

static void put_counters(struct jout *json, const struct board_entry *entry)
{
    jout_key(json, "counters");
    jout_begin_object(json);
    for (size_t i = 0; i < sizeof role_counters / sizeof role_counters[0]; i++) {
        for (size_t j = 0; role_counters[i].role == entry->role && j < role_counters[i].count;
             j++) {
            const struct counter_row *row = &role_counters[i].rows[j];
            const void *at = (const char *)entry + row->offset;
            jout_put_int(json, row->key, (int64_t)atomic_load((const atomic_uint_fast64_t *)at));
        }
    }
    jout_end_object(json);
}

/* Text of another process, which may be writing it right now. */
static void put_shared_text(struct jout *json, const char *key, const char *text, size_t size)
{
    char copy[sizeof((struct board_entry *)0)->last_death];
    board_read_text(text, size < sizeof copy ? size : sizeof copy, copy);
    jout_put_string(json, key, copy[0] != '\0' ? copy : NULL);
}

static void put_worker(struct jout *json, const char *key, const struct board_entry *entry)
{
    jout_key(json, key);
    if (entry == NULL) {
        jout_null(json);
        return;
    }
    bool running = atomic_load(&entry->pid) > 0;
    int64_t beat_us = atomic_load(&entry->heartbeat_us);
    jout_begin_object(json);
    put_counters(json, entry);
    jout_key(json, "heartbeat_age");
    if (running && beat_us > 0) {
        jout_fixed(json, (double)(mono_now().us - beat_us) / 1e6, 1);
    } else {
        jout_null(json);
    }
    put_shared_text(json, "last_death", entry->last_death, sizeof entry->last_death);
    put_pid(json, "pid", entry);
    jout_put_int(json, "starts", atomic_load(&entry->starts));
    jout_put_string(json, "state",
                    !running                          ? "stopped"
                    : atomic_load(&entry->state) == 0 ? "starting"
                                                      : "working");
    put_shared_text(json, "trouble", entry->state_text, sizeof entry->state_text);
    jout_end_object(json);
}

static void put_camera_workers(const struct stats_source *source, struct jout *json)
{
    const struct config *config = source->setup->config;
    const struct cfg_camera **cameras = config_cameras_by_name(config);
    jout_begin_object(json);
    for (size_t i = 0; i < config->camera_count; i++) {
        if (cameras[i]->enabled) {
            jout_key(json, cameras[i]->name);
            jout_begin_object(json);
            put_worker(json, "analyse", entry_of(source, BOARD_ANALYSE, cameras[i]->name));
            put_worker(json, "capture", entry_of(source, BOARD_CAPTURE, cameras[i]->name));
            jout_end_object(json);
        }
    }
    jout_end_object(json);
    free(cameras);
}

static bool uses_demo_model(const struct config *config)
{
    bool demo = config->detector_count == 0 && config->model.is_demo;
    for (size_t i = 0; i < config->detector_count; i++) {
        demo = demo || config->detectors[i].model.is_demo;
    }
    return demo;
}

static void put_warnings(const struct config *config, struct jout *json)
{
    jout_begin_array(json);
    if (uses_demo_model(config)) {
        jout_string(json,
                    "Only the small demonstration model is loaded: it knows drawn scenes, not "
                    "real ones. Set model.path to a detection model; the README names good "
                    "ones.");
    }
    if (config_listens(config) && config->sound_model.path == NULL) {
        jout_string(json, "Only the small demonstration sound model listens: it knows generated "
                          "sounds, not real ones. Set corvette.sound_model_path to a sound model "
                          "laid out like YAMNet.");
    }
    for (size_t i = 0; i < config->detector_count; i++) {
        const struct cfg_detector *detector = &config->detectors[i];
        if (detector->substituted) {
            AUTO_STR struct str text = {0};
            str_addf(&text,
                     "Detector %s: type %s is not part of this program; it runs as cpu instead.",
                     detector->name, detector->type);
            jout_string(json, str_text(&text));
        }
    }
    jout_end_array(json);
}

static void put_sound(const struct stats_source *source, struct jout *json)
{
    const struct board_entry *entry = entry_of(source, BOARD_SOUND, "");
    double speed_ms =
        entry != NULL ? (double)atomic_load(&entry->sound.inference_us_ema) / 1e3 : 0;
    jout_key(json, "sound");
    jout_begin_object(json);
    put_fixed(json, "inference_speed", speed_ms, 2);
    put_worker(json, "worker", entry);
    jout_end_object(json);
}

static bool write_corvette(const struct stats_source *source, struct jout *json)
{
    const struct stats_setup *setup = source->setup;
    const struct cfg_detector **detectors = sorted_detectors(setup->config);
    jout_begin_object(json);
    jout_key(json, "cameras");
    put_camera_workers(source, json);
    jout_put_bool(json, "demo_model", uses_demo_model(setup->config));
    jout_key(json, "detectors");
    jout_begin_object(json);
    for (size_t i = 0; i < setup->config->detector_count; i++) {
        put_worker(json, detectors[i]->name, entry_of(source, BOARD_DETECTOR, detectors[i]->name));
    }
    jout_end_object(json);
    jout_key(json, "server");
    jout_begin_object(json);
    if (setup->extra != NULL) {
        setup->extra(setup->extra_context, json);
    }
    put_worker(json, "worker", entry_of(source, BOARD_SERVER, ""));
    jout_end_object(json);
    if (config_listens(setup->config)) {
        put_sound(source, json);
    }
    jout_key(json, "warnings");
    put_warnings(setup->config, json);
    jout_end_object(json);
    free(detectors);
    return true;
}

/* --- cpu_usages --- */

static int by_pid_text(const void *a, const void *b)
{
    char left[16];
    char right[16];
    snprintf(left, sizeof left, "%d", ((const struct procfs_process *)a)->pid);
    snprintf(right, sizeof right, "%d", ((const struct procfs_process *)b)->pid);
    return strcmp(left, right);
}

static void put_process(const struct stats_source *source, struct jout *json,
                        const struct procfs_process *process)
{
    struct procfs_process before = process_table_find(&source->samples->old, process->pid);
    if (before.pid == 0) {
        before = process_table_find(&source->samples->recent, process->pid);
    }
    char key[16];
    char average[32];
    AUTO_STR struct str command = {0};
    procfs_command_line(process->pid, &command);
    snprintf(key, sizeof key, "%d", process->pid);
    snprintf(average, sizeof average, "%.0f", procfs_cpu_average(process));
    jout_key(json, key);
    jout_begin_object(json);
    jout_put_string(json, "cmdline", str_text(&command));
    put_text(json, "cpu", procfs_cpu_percent(&before, process), "");
    jout_put_string(json, "cpu_average", average);
    put_text(json, "mem",
             source->memory_limit_bytes > 0
                 ? 100.0 * (double)process->rss_bytes / (double)source->memory_limit_bytes
                 : 0,
             "");
    jout_end_object(json);
}

static void put_full_system(const struct stats_source *source, struct jout *json,
                            const struct procfs_machine *now)
{
    const struct procfs_machine *before = source->samples->old.count > 0
                                              ? &source->samples->old.machine
                                              : &source->samples->recent.machine;
    int64_t ticks = now->all_ticks - before->all_ticks;
    uint64_t used = now->memory_total_bytes - now->memory_available_bytes;
    jout_key(json, "frigate.full_system");
    jout_begin_object(json);
    put_text(json, "cpu",
             ticks > 0 ? 100.0 * (double)(now->busy_ticks - before->busy_ticks) / (double)ticks : 0,
             "");
    put_text(json, "mem",
             now->memory_total_bytes > 0 ? 100.0 * (double)used / (double)now->memory_total_bytes
                                         : 0,
             "");
    jout_end_object(json);
}

static bool write_cpu(const struct stats_source *source, struct jout *json)
{
    struct process_table now = {0};
    process_table_read(&now, source->setup->board);
    if (now.count > 0) {
        qsort(now.items, now.count, sizeof *now.items, by_pid_text);
    }
    jout_begin_object(json);
    for (size_t i = 0; i < now.count; i++) {
        put_process(source, json, &now.items[i]);
    }
    put_full_system(source, json, &now.machine);
    jout_end_object(json);
    process_table_finish(&now);
    return true;
}

/* --- detection_fps, detectors --- */

static bool write_detection_fps(const struct stats_source *source, struct jout *json)
{
    const struct config *config = source->setup->config;
    double sum = 0;
    for (size_t i = 0; i < config->camera_count; i++) {
        sum +=
            samples_rate(source->samples, entry_of(source, BOARD_ANALYSE, config->cameras[i].name),
                         SAMPLE_DETECTIONS);
    }
    jout_fixed(json, sum, 2);
    return true;
}

static bool write_detectors(const struct stats_source *source, struct jout *json)
{
    const struct config *config = source->setup->config;
    const struct cfg_detector **detectors = sorted_detectors(config);
    jout_begin_object(json);
    for (size_t i = 0; i < config->detector_count; i++) {
        struct board_entry *entry = entry_of(source, BOARD_DETECTOR, detectors[i]->name);
        double start =
            entry != NULL ? (double)atomic_load(&entry->detector.start_wall_us) / 1e6 : 0;
        double speed_ms =
            entry != NULL ? (double)atomic_load(&entry->detector.inference_us_ema) / 1e3 : 0;
        jout_key(json, detectors[i]->name);
        jout_begin_object(json);
        jout_put_double(json, "detection_start", start);
        put_fixed(json, "inference_speed", speed_ms, 2);
        put_pid(json, "pid", entry);
        jout_end_object(json);
    }
    jout_end_object(json);
    free(detectors);
    return true;
}

/* --- gpu_usages --- */

static int by_gpu_name(const void *a, const void *b)
{
    return strcmp(((const struct gpu_load *)a)->name, ((const struct gpu_load *)b)->name);
}

static void put_percent(struct jout *json, const char *key, double value)
{
    if (value < 0) {
        jout_put_string(json, key, "");
    } else {
        put_text(json, key, value, "%");
    }
}

static bool write_gpu(const struct stats_source *source, struct jout *json)
{
    struct gpu_load loads[GPU_MAX];
    size_t count = source->gpu != NULL ? gpu_read(source->gpu, loads) : 0;
    if (count == 0) {
        return false;
    }
    qsort(loads, count, sizeof loads[0], by_gpu_name);
    jout_begin_object(json);
    for (size_t i = 0; i < count; i++) {
        jout_key(json, loads[i].name);
        jout_begin_object(json);
        if (loads[i].decoder >= 0) {
            put_percent(json, "dec", loads[i].decoder);
        }
        if (loads[i].encoder >= 0) {
            put_percent(json, "enc", loads[i].encoder);
        }
        put_percent(json, "gpu", loads[i].gpu);
        put_percent(json, "mem", loads[i].memory);
        jout_end_object(json);
    }
    jout_end_object(json);
    return true;
}

/* --- processes, service --- */

static bool write_processes(const struct stats_source *source, struct jout *json)
{
    jout_begin_object(json);
    if (config_listens(source->setup->config)) {
        jout_key(json, "audio_detector");
        jout_begin_object(json);
        put_pid(json, "pid", entry_of(source, BOARD_SOUND, ""));
        jout_end_object(json);
    }
    jout_key(json, "server");
    jout_begin_object(json);
    put_pid(json, "pid", entry_of(source, BOARD_SERVER, ""));
    jout_end_object(json);
    jout_key(json, "supervisor");
    jout_begin_object(json);
    jout_put_int(json, "pid", source->setup->board->supervisor_pid);
    jout_end_object(json);
    jout_end_object(json);
    return true;
}

static bool write_service(const struct stats_source *source, struct jout *json)
{
    const struct stats_setup *setup = source->setup;
    int64_t up_us = mono_now().us - setup->board->started_mono_us;
    jout_begin_object(json);
    jout_put_int(json, "last_updated", wall_now().us / 1000000);
    /* Nothing is asked of the internet: there is nothing to compare with. */
    jout_put_string(json, "latest_version",
                    setup->config->telemetry.version_check ? "unknown" : "disabled");
    jout_key(json, "storage");
    volumes_json(setup->data_dir, json);
    jout_key(json, "temperatures");
    temperatures_json(json);
    jout_put_int(json, "uptime", up_us / 1000000);
    jout_put_string(json, "version", setup->version);
    jout_end_object(json);
    return true;
}

const struct stats_section stats_sections[] = {
    {"bandwidth_usages", write_bandwidth},
    {"cameras", write_cameras},
    {"corvette", write_corvette},
    {"cpu_usages", write_cpu},
    {"detection_fps", write_detection_fps},
    {"detectors", write_detectors},
    {"gpu_usages", write_gpu},
    {"processes", write_processes},
    {"service", write_service},
};
const size_t stats_section_count = sizeof stats_sections / sizeof stats_sections[0];
