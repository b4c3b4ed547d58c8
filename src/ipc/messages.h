/* Every message that crosses between processes. Boxes are x1, y1, x2, y2 in pixels of the camera's
 * detect picture; times are wall seconds (UTC) unless the name says otherwise. */
#ifndef CORVETTE_IPC_MESSAGES_H
#define CORVETTE_IPC_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/record.h"

#define IPC_VERSION 1
#define IPC_NAME 64 /* camera, detector, zone names */
#define IPC_LABEL 64
#define IPC_ID 40
#define IPC_SUB_LABEL 404 /* 100 characters of UTF-8 */
#define IPC_PATH 512

enum msg_type {
    MSG_HELLO = 1, /* worker -> supervisor, first */
    MSG_GIVE,      /* supervisor -> worker, one descriptor with it */
    MSG_START,     /* supervisor -> worker: everything was given, begin */
    MSG_STOP,      /* supervisor -> worker: end cleanly, now */
    MSG_FATAL,     /* worker -> supervisor: why it is about to exit */
    MSG_RESTART,   /* server -> supervisor: the user asked for a restart of everything */
    MSG_SEGMENT,   /* capture -> server: a recording segment is closed and in place */
    MSG_FRAME,     /* analyse -> server: one processed picture */
    MSG_BEST,      /* analyse -> server: a new best picture of an object; memfd with it */
    MSG_GRID,      /* analyse <-> server: the learned region grid, as JSON text */
    MSG_GAP,       /* capture -> server: a time in which nothing was recorded, and why */
    MSG_SPACE,     /* capture -> server: the disk has too little room for what is coming */
    MSG_SOUND,     /* sound -> server: what is heard in a window of a camera's sound */
    MSG_TYPE_COUNT,
};

struct msg_hello {
    uint32_t version;
    uint32_t role; /* enum board_role */
    char name[IPC_NAME];
    int32_t pid;
};

enum give_what {
    GIVE_CONFIG =
        1,       /* memfd with the configuration's text; name = path it was read from (shortened) */
    GIVE_BOARD,  /* scoreboard memfd */
    GIVE_LOG,    /* memfd of the last log lines */
    GIVE_FRAMES, /* frame ring memfd of camera `name` */
    GIVE_FRAME_READY, /* eventfd of camera `name`: capture writes, analyse reads */
    GIVE_TENSORS,     /* tensor slots memfd of camera `name` */
    GIVE_WORK,        /* eventfd: analyse writes, detectors read */
    GIVE_DONE,        /* eventfd of camera `name`: detectors write, analyse reads */
    GIVE_SOUNDS,      /* sound ring memfd of camera `name` */
    GIVE_SOUND_READY, /* eventfd: captures write, sound reads */
    GIVE_LINK, /* message channel to the server (workers), or to worker (`role`, `name`) (server).
                  May come again at any time: the other side was replaced. */
};

struct msg_give {
    uint32_t what; /* enum give_what */
    uint32_t role; /* GIVE_LINK to the server: enum board_role of the other end */
    char name[IPC_NAME];
};

struct msg_start {
    char config_path[IPC_PATH];
    char data_dir[IPC_PATH];    /* absolute */
    char listen[IPC_NAME];      /* HOST:PORT, server only */
    char listen_auth[IPC_NAME]; /* the same, where a login is asked for; "" = nowhere */
    uint32_t detector;          /* detector's number, detector only */
};

struct msg_fatal {
    char reason[200];
};

struct msg_empty {
    uint32_t nothing;
};

struct msg_segment {
    char camera[IPC_NAME];
    char path[IPC_PATH]; /* relative to the media root: recordings/YYYY-MM-DD/HH/CAMERA/MM.SS.mp4 */
    double start, end;   /* of the video; end = start + duration */
    double duration;     /* seconds */
    uint64_t bytes;
    int32_t dbfs; /* rounded mean level, 0 = nothing was heard */
    uint64_t
        parameters; /* hls_parameters() of the file: differs when the stream's did; 0 unknown */
};

/* Texts of the causes: gap_cause_name(). */
enum gap_cause {
    GAP_UNREACHABLE = 1, /* no connection to the camera */
    GAP_NO_KEYFRAME,     /* connected, but no key picture came to begin with */
    GAP_NO_VIDEO,        /* connected, but nothing that can be recorded came */
    GAP_DISK,            /* could not be written: full, slow or broken */
    GAP_STOPPED,         /* nobody was recording: stopped, restarted, killed */
    GAP_DISABLED,        /* recording was switched off */
    GAP_LOST,            /* was recorded; the file is gone or damaged */
    GAP_CLOCK,           /* no time at all: the wall clock was set forward */
    GAP_CAUSES,
};

struct msg_gap {
    char camera[IPC_NAME];
    double start, end;
    uint32_t cause;   /* enum gap_cause */
    char detail[120]; /* for people; "" = none */
};

struct msg_space {
    char camera[IPC_NAME];
    uint64_t needed; /* bytes it wants free and does not find */
    int32_t error;   /* errno of the write that failed, 0 = none yet */
};

struct msg_label {
    char label[IPC_LABEL];
    float score; /* 0..1 */
};

struct msg_sound {
    char camera[IPC_NAME];
    double start, end; /* of the window */
    float rms;         /* 0..32768 */
    struct {
        struct msg_label *items;
        size_t count;
    } labels; /* listened to and above their thresholds, best first; each once */
};

struct msg_box {
    int32_t box[4];
};

struct msg_zone {
    uint32_t zone; /* index into the camera's zones */
};

struct msg_attribute {
    char label[IPC_LABEL];
    float score;
    int32_t box[4];
};

struct msg_object {
    char id[IPC_ID]; /* "<start time>-<6 of a-z0-9>" */
    char label[IPC_LABEL];
    char sub_label[IPC_SUB_LABEL]; /* "" = none */
    float sub_label_score;
    double start_time; /* first seen */
    double frame_time; /* last time a detection (or the stationary rule) confirmed it */
    double end_time;   /* 0 while it lives; the message with it is the object's last */
    bool false_positive;
    bool stationary;  /* motionless_count > threshold */
    bool active;      /* moved at least once, motionless_count < threshold, seen in this frame */
    bool significant; /* zones, position changes, attributes, turned stationary, or 60 s passed */
    float score;      /* of the latest detection */
    float computed_score; /* median of the last 10 */
    float top_score;      /* best computed score */
    int32_t box[4], region[4];
    int32_t area;
    float ratio;
    uint32_t motionless_count, position_changes;
    struct {
        struct msg_zone *items;
        size_t count;
    } current_zones, entered_zones; /* entered: in order of entry */
    struct {
        struct msg_attribute *items;
        size_t count;
    } attributes, current_attributes; /* best score per label ever; in this picture */
    uint32_t best_revision;           /* rises with every new best picture, 0 = none yet */
    double best_time;
    float best_score;
    int32_t best_box[4], best_region[4];
    int32_t best_area;
    struct {
        struct msg_attribute *items;
        size_t count;
    } best_attributes;
};

struct msg_frame {
    char camera[IPC_NAME];
    uint64_t sequence; /* of the frame ring */
    double time;
    bool calibrating;
    struct {
        struct msg_box *items;
        size_t count;
    } motion, regions;
    struct {
        struct msg_object *items;
        size_t count;
    } objects; /* all live ones, false positives too, and those that ended since the last message */
};

/* The memfd holds the picture, planar I420 as in ring/frames.h. */
struct msg_best {
    char camera[IPC_NAME];
    char id[IPC_ID];
    uint32_t revision;
    double time;
    uint32_t width, height;
};

struct msg_grid {
    char camera[IPC_NAME];
    double updated;
    char
        json[65536]; /* Frigate's region grid: 8 x 8 array [x][y] of {sizes, x, y, std_dev, mean} */
};

struct msg_row {
    const char *name; /* "frame" */
    const struct record *record;
};

/* Row of a type; NULL when there is no such type. */
const struct msg_row *msg_row(unsigned type);

/* "unreachable", ...; "unknown" for a number that is none. */
const char *gap_cause_name(uint32_t cause);

#endif
