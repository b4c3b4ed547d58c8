/* The scoreboard: one small shared page set where every worker keeps its counters and its
 * heartbeat, and the supervisor keeps what it knows of the worker. The server reads all of it for
 * /api/stats. Plain atomics, so a counter survives the death of its process and costs one
 * instruction. */
#ifndef CORVETTE_RING_BOARD_H
#define CORVETTE_RING_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum board_role {
    BOARD_SUPERVISOR = 1,
    BOARD_CAPTURE,
    BOARD_ANALYSE,
    BOARD_DETECTOR,
    BOARD_SERVER,
    BOARD_SOUND
};

/* Written by the worker. Rates are windowed by the reader from two samples or with
 * board_rate(); counters only rise, across restarts too. */
struct board_capture {
    atomic_uint_fast64_t packets, bytes; /* received */
    atomic_uint_fast64_t frames_decoded;
    atomic_uint_fast64_t frames_detect; /* put into the ring: camera_fps counts these */
    atomic_uint_fast64_t decode_errors;
    atomic_uint_fast64_t segments, segment_bytes;
    atomic_uint_fast64_t packets_dropped; /* not recorded, for whatever reason */
    atomic_uint_fast64_t packets_lost;    /* RTP packets that never came */
    atomic_uint_fast64_t reconnects;
    atomic_uint connected;             /* bit per input index */
    atomic_int_fast64_t last_frame_us; /* CLOCK_MONOTONIC of the last detect frame */
    atomic_int audio_rms_x10000, audio_dbfs_x10000;
};

struct board_analyse {
    atomic_uint_fast64_t frames;           /* processed: process_fps */
    atomic_uint_fast64_t frames_skipped;   /* written by capture, never looked at: skipped_fps */
    atomic_uint_fast64_t detections;       /* detector calls: detection_fps */
    atomic_uint_fast64_t detections_late;  /* gave up on the answer */
    atomic_uint_fast64_t regions_dropped;  /* over the per-frame bound */
    atomic_uint_fast64_t messages_dropped; /* server did not take them */
    atomic_uint detection_enabled;
    atomic_uint tracks;
};

struct board_detector {
    atomic_uint_fast64_t inferences;
    atomic_uint_fast64_t expired, failed;
    atomic_int_fast64_t inference_us_ema; /* (9 * old + new) / 10 */
    atomic_int_fast64_t start_wall_us;    /* wall time the running inference began, 0 idle */
    atomic_int_fast64_t start_mono_us;    /* same, CLOCK_MONOTONIC: the watchdog reads it */
};

struct board_sound {
    atomic_uint_fast64_t windows;          /* of sound looked at, quiet ones too */
    atomic_uint_fast64_t inferences;       /* the loud ones among them */
    atomic_uint_fast64_t failed;           /* the model refused them */
    atomic_uint_fast64_t hops_lost;        /* overwritten before they were looked at */
    atomic_uint_fast64_t messages_dropped; /* server did not take them for too long */
    atomic_int_fast64_t inference_us_ema;  /* (9 * old + new) / 10 */
};

struct board_server {
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t answers_again;               /* of them, with what was answered before */
    atomic_uint_fast64_t answers_kept, answers_bytes; /* now */
    atomic_uint_fast64_t rows_written, rows_delayed;
};

struct board_entry {
    uint32_t role; /* enum board_role; 0 = unused */
    char name[64]; /* camera or detector name */
    /* supervisor writes */
    atomic_int pid;     /* 0 while not running */
    atomic_uint starts; /* 1 after the first start */
    atomic_int_fast64_t started_wall_us;
    char last_death[200]; /* reason of the last death, "" = none yet */
    /* worker writes */
    atomic_int_fast64_t heartbeat_us; /* CLOCK_MONOTONIC; stale = hung */
    atomic_uint state;                /* role-specific small number, 0 = starting, 1 = working */
    char state_text[160]; /* what is wrong, in words, "" = fine (readers copy, may be torn) */
    union {
        struct board_capture capture;
        struct board_analyse analyse;
        struct board_detector detector;
        struct board_server server;
        struct board_sound sound;
    };
};

struct board {
    uint32_t magic, version;
    uint32_t count;
    int32_t supervisor_pid;
    int64_t started_mono_us, started_wall_us;
    struct board_entry entries[];
};

int board_create(unsigned entries);  /* sealed memfd or -errno */
struct board *board_open(int memfd); /* NULL with errno */
void board_close(struct board *board);
struct board_entry *board_find(struct board *board, enum board_role role,
                               const char *name); /* or NULL */
void board_beat(struct board_entry *entry);
/* The texts of an entry, which others read and write at the same time: what is read may be a mix of
 * two, but always ends within the field. `text` has room for `size` bytes. */
void board_write_text(char *field, size_t size, const char *text);
void board_read_text(const char *field, size_t size, char *text);
void board_set_state(struct board_entry *entry, unsigned state, const char *text);

#endif
