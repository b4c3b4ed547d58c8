/* Messages are rows: each struct is described once by a table of its fields, and one encoder and
 * one decoder serve all. Little-endian, no padding on the wire, every length checked on the way in,
 * so a decoder can be fuzzed and a mangled message is an error, never a crash. */
#ifndef CORVETTE_IPC_RECORD_H
#define CORVETTE_IPC_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum rec_type { REC_U32 = 1, REC_U64, REC_I32, REC_F32, REC_F64, REC_BOOL, REC_TEXT, REC_ARRAY };

struct record;

struct rec_field {
    const char *name;
    enum rec_type type;
    size_t offset;
    size_t size;   /* REC_TEXT: bytes of the char array, its NUL included */
    size_t repeat; /* fixed repetitions of a number in place (int box[4]); 1 normally */
    const struct record *items; /* REC_ARRAY: element type; the member is {pointer, size_t count} */
};

struct record {
    const char *name;
    size_t size;
    const struct rec_field *fields;
    size_t field_count;
};

/* Every array member of a message: `struct { struct T *items; size_t count; }`. */
struct rec_array {
    void *items;
    size_t count;
};

void record_encode(const struct record *record, const void *value, struct str *out);
/* Fills `value` (record->size bytes); array memory is malloc'd: release with record_finish. Returns
 * 0, or -EBADMSG with everything released. The whole input must be used up. */
int record_decode(const struct record *record, const void *data, size_t length, void *value);
void record_finish(const struct record *record, void *value);

#define REC_FIELD(type_, struct_, member_)                  \
    {                                                       \
#member_, type_, offsetof(struct struct_, member_), \
            sizeof(((struct struct_ *)0)->member_), 1, NULL \
    }
#define REC_NUMBERS(type_, struct_, member_, n_)             \
    {                                                        \
#member_, type_, offsetof(struct struct_, member_),  \
            sizeof(((struct struct_ *)0)->member_), n_, NULL \
    }
#define REC_LIST(struct_, member_, record_)                                                  \
    {                                                                                        \
#member_, REC_ARRAY, offsetof(struct struct_, member_), sizeof(struct rec_array), 1, \
            record_                                                                          \
    }

#endif
