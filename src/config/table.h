/* Every configuration key is one row of one table. Rows drive reading, defaults, inheritance,
 * refusals, /api/config, the JSON Schema and the reference: a key added here works everywhere.
 *
 * Rows are grouped in blocks, one per C struct they fill; a row's path is relative to its block and
 * its offset is within that struct. The rows of a block are in pre-order: a section stands before
 * its keys, and its keys follow without a gap. The camera block is used twice: as the sections at
 * the top of the file (scope global) and inside every camera (scope camera). */
#ifndef CORVETTE_CONFIG_TABLE_H
#define CORVETTE_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cfg_block {
    CFG_B_NONE = 0,
    CFG_B_ROOT,         /* struct config */
    CFG_B_CAMERA,       /* struct cfg_camera */
    CFG_B_INPUT,        /* struct cfg_input */
    CFG_B_ZONE,         /* struct cfg_zone */
    CFG_B_FILTER,       /* struct cfg_filter */
    CFG_B_AUDIO_FILTER, /* struct cfg_pair */
    CFG_B_MODEL,        /* struct cfg_model */
    CFG_B_DETECTOR,     /* struct cfg_detector */
    CFG_B_GROUP,        /* struct cfg_camera_group */
    CFG_B_COUNT,
};

/* The C type of a row's member, and how its value may be written. */
enum cfg_type {
    CFG_T_SECTION = 1, /* no member: a map of further rows */
    CFG_T_BOOL,        /* bool */
    CFG_T_INT,         /* int; `unset` when absent without a default */
    CFG_T_INT64,       /* int64_t */
    CFG_T_OPT_INT,     /* struct cfg_opt_int */
    CFG_T_OPT_BOOL,    /* struct cfg_opt_bool */
    CFG_T_FLOAT,       /* double; NaN when absent without a default */
    CFG_T_STRING,      /* char *; NULL when absent without a default */
    CFG_T_ENUM,        /* an enum or int, by `choices` */
    CFG_T_STRINGS,     /* struct cfg_list: a list of texts, of `choices` when there are any */
    CFG_T_ARGS,        /* struct cfg_list: a list, or one text split with shell rules */
    CFG_T_WEIGHTS,     /* struct cfg_list: five numbers, as a list or comma-separated */
    CFG_T_NUMBERS,     /* struct cfg_pairs: map of name -> number */
    CFG_T_TEXTS,       /* struct cfg_pairs: map of name -> text */
    CFG_T_MASK,        /* struct cfg_mask: polygon text or a list of them */
    CFG_T_BLOCK,       /* the struct of `block`, in place */
    CFG_T_MAP,         /* pointer, then size_t count: a map of name -> struct of `block` */
    CFG_T_LIST,        /* pointer, then size_t count: a list of structs of `block` */
    CFG_T_FREE,        /* const struct cfg_node *: anything, passed on as it is */
};

enum cfg_flag {
    CFG_F_REQUIRED = 1 << 0,
    CFG_F_NULL = 1 << 1,       /* an empty value means absent */
    CFG_F_ONE = 1 << 2,        /* a list of texts may be one text */
    CFG_F_SUBST = 1 << 3,      /* {FRIGATE_NAME} is replaced */
    CFG_F_SECRET = 1 << 4,     /* shown as "*" by /api/config, never quoted in a message */
    CFG_F_HIDDEN = 1 << 5,     /* a secret that /api/config leaves out */
    CFG_F_URL = 1 << 6,        /* credentials inside are masked, never quoted in a message */
    CFG_F_DERIVED = 1 << 7,    /* shown by /api/config only; ignored when given */
    CFG_F_NUMBER_TOO = 1 << 8, /* text that may be written as a number */
    CFG_F_LENIENT = 1 << 9,    /* unknown keys inside are warnings, as in the peer */
    CFG_F_INTEGER = 1 << 10,   /* CFG_T_NUMBERS of whole numbers */
};

enum cfg_scope {
    CFG_GLOBAL = 1 << 0, /* at the top of the file */
    CFG_CAMERA = 1 << 1, /* inside a camera */
    CFG_BOTH = CFG_GLOBAL | CFG_CAMERA,
};

/* What must be started again when the value changes. Nothing: it is taken up as it runs. */
enum cfg_restart {
    CFG_R_NOTHING = 0,
    CFG_R_CAPTURE = 1 << 0,
    CFG_R_ANALYSE = 1 << 1,
    CFG_R_DETECTOR = 1 << 2,
    CFG_R_SERVER = 1 << 3,
    CFG_R_SOUND = 1 << 4,
};

enum cfg_limit {
    CFG_L_MIN = 1 << 0,
    CFG_L_MAX = 1 << 1,
    CFG_L_ABOVE = 1 << 2, /* min itself is refused */
    CFG_L_BELOW = 1 << 3, /* max itself is refused */
};

/* Bound on every list and map that states no smaller one: what the sections at the top hold is
 * copied into every camera, so lengths multiply. */
#define CFG_MAX_ITEMS 512
#define CFG_MAX_MASKS 100

struct cfg_choice {
    const char *name;
    int value;
};

struct cfg_row {
    enum cfg_block in;
    const char *path; /* "stationary.max_frames.default", dots between levels */
    enum cfg_type type;
    enum cfg_block block; /* what a CFG_T_BLOCK, _MAP or _LIST holds */
    unsigned scope;       /* enum cfg_scope; 0 means both */
    unsigned flags;       /* enum cfg_flag */
    unsigned limits;      /* enum cfg_limit */
    double min, max;
    size_t offset;
    size_t present;                   /* offset of a bool telling that the key was given; 0: none */
    size_t size;                      /* of one element of a CFG_T_MAP or _LIST */
    size_t at_most;                   /* elements; 0: CFG_MAX_ITEMS */
    int unset;                        /* CFG_T_INT without default, when absent */
    const char *def;                  /* as one would write it; lists with ", "; NULL: none */
    const struct cfg_choice *choices; /* ends with name NULL */
    const char *unit;
    unsigned restarts; /* enum cfg_restart */
    const char *help;  /* one sentence */
};

extern const struct cfg_row cfg_rows[];
extern const size_t cfg_row_count;

/* Walking. `scope` is one of CFG_GLOBAL, CFG_CAMERA; rows of the other scope are skipped. */
const struct cfg_row *cfg_row_first(enum cfg_block block, unsigned scope);
const struct cfg_row *cfg_row_child(const struct cfg_row *row, unsigned scope);
const struct cfg_row *cfg_row_next(const struct cfg_row *row, unsigned scope);
/* The last part of the path. */
const char *cfg_row_name(const struct cfg_row *row);
/* Among `first` and what follows it on its level; NULL when there is none. */
const struct cfg_row *cfg_row_find(const struct cfg_row *first, unsigned scope, const char *name);

bool cfg_row_is_secret(const struct cfg_row *row);
/* "1 to 255", "at least 15", "above 0"; "" when any number will do. */
struct str;
void cfg_row_add_range(const struct cfg_row *row, struct str *out);
/* "a whole number", "yes or no", ...: what may be written. */
const char *cfg_row_type_text(const struct cfg_row *row);

#endif
