/* Every row of the message table: what goes in comes out, and no mangled bytes do harm. */
#include "../cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "ipc/channel.h"
#include "ipc/messages.h"

/* Fills every field of a record with something different, arrays with two elements each. */
static void fill(const struct record *record, void *value, unsigned *seed)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct rec_field *f = &record->fields[i];
        char *at = (char *)value + f->offset;
        if (f->type == REC_TEXT) {
            snprintf(at, f->size < 20 ? f->size : 20, "%s-%u", f->name, (*seed)++);
        } else if (f->type == REC_ARRAY) {
            struct rec_array *array = (struct rec_array *)(void *)at;
            array->count = 2;
            array->items = mem_array(2, f->items->size);
            fill(f->items, array->items, seed);
            fill(f->items, (char *)array->items + f->items->size, seed);
        } else if (f->type == REC_BOOL) {
            *at = 1;
        } else {
            for (size_t k = 0; k < f->size; k++) {
                at[k] = (char)((*seed)++ % 100);
            }
        }
    }
}

static void assert_same(const struct record *record, const void *a, const void *b)
{
    AUTO_STR struct str one = {0}, two = {0};
    record_encode(record, a, &one);
    record_encode(record, b, &two);
    assert_int_equal(one.length, two.length);
    assert_memory_equal(one.data, two.data, one.length);
}

static void every_row_round_trips(void **state)
{
    unsigned rows = 0, seed = 1;
    for (unsigned type = 0; type < MSG_TYPE_COUNT + 2; type++) {
        const struct msg_row *row = msg_row(type);
        if (row == NULL) {
            assert_true(type == 0 || type >= MSG_TYPE_COUNT);
            continue;
        }
        rows++;
        AUTO_FREE void *value = mem_alloc(row->record->size);
        AUTO_FREE void *back = mem_alloc(row->record->size);
        AUTO_STR struct str bytes = {0};
        fill(row->record, value, &seed);
        record_encode(row->record, value, &bytes);
        assert_int_equal(record_decode(row->record, bytes.data, bytes.length, back), 0);
        assert_same(row->record, value, back);
        record_finish(row->record, back);
        record_finish(row->record, value);
    }
    assert_int_equal(rows, MSG_TYPE_COUNT - 1);
}

static void cut_and_mangled_bytes_are_refused_or_harmless(void **state)
{
    unsigned seed = 5;
    srand(3);
    for (unsigned type = 1; type < MSG_TYPE_COUNT; type++) {
        const struct msg_row *row = msg_row(type);
        AUTO_FREE void *value = mem_alloc(row->record->size);
        AUTO_FREE void *back = mem_alloc(row->record->size);
        AUTO_STR struct str bytes = {0};
        fill(row->record, value, &seed);
        record_encode(row->record, value, &bytes);
        for (size_t length = 0; length < bytes.length; length++) {
            AUTO_FREE void *exact = mem_dup(bytes.data, length); /* so that ASan sees an overrun */
            assert_int_equal(record_decode(row->record, exact, length, back), -EBADMSG);
        }
        for (int round = 0; round < 3000; round++) {
            AUTO_FREE char *mangled = mem_dup(bytes.data, bytes.length);
            for (int k = 0; k < 4; k++) {
                mangled[(size_t)rand() % bytes.length] = (char)(rand() % 256);
            }
            if (record_decode(row->record, mangled, bytes.length, back) == 0) {
                record_finish(row->record, back);
            }
        }
        record_finish(row->record, value);
    }
}

struct heard {
    struct loop *loop;
    int messages, closed, error;
    char text[64];
    int fd;
};

static void on_message(void *context, struct channel *channel, struct message *message)
{
    struct heard *heard = context;
    heard->messages++;
    if (message->type == MSG_GIVE) {
        const struct msg_give *give = message->value;
        snprintf(heard->text, sizeof heard->text, "%s", give->name);
        heard->fd = steal_fd(&message->fd);
        loop_stop(heard->loop, 0);
    }
}

static void on_closed(void *context, struct channel *channel, int error)
{
    struct heard *heard = context;
    heard->closed++;
    heard->error = error;
    channel_destroy(channel); /* legal inside its own callback */
    loop_stop(heard->loop, 0);
}

static void descriptors_travel(void **state)
{
    int ends[2];
    assert_int_equal(channel_pair(ends), 0);
    struct heard heard = {.loop = loop_create(), .fd = -1};
    struct channel *a = channel_create(heard.loop, ends[0], on_message, on_closed, &heard);
    struct channel *b = channel_create(heard.loop, ends[1], on_message, on_closed, &heard);
    AUTO_CLOSE int memory = file_memfd("x", 100);
    assert_int_equal(pwrite(memory, "hello", 5, 0), 5);
    assert_int_equal(channel_send(a, MSG_STOP, &(struct msg_empty){0}, -1), 0);
    assert_int_equal(
        channel_send(a, MSG_GIVE, &(struct msg_give){.what = 1, .name = "back"}, memory), 0);
    loop_run(heard.loop);
    assert_int_equal(heard.messages, 2);
    assert_string_equal(heard.text, "back");
    char text[5];
    assert_int_equal(pread(heard.fd, text, 5, 0), 5);
    assert_memory_equal(text, "hello", 5);
    close(heard.fd);
    channel_destroy(a);
    loop_run(heard.loop); /* b hears that a is gone and destroys itself */
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.error, 0);
    (void)b;
    loop_destroy(heard.loop);
}

static void nonsense_closes_the_channel(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        int error;
    } rows[] = {
        {"\x63\0\0\0", 4, -EPROTO},      /* no such type */
        {"\x01", 1, -EBADMSG},           /* shorter than a type */
        {"\x01\0\0\0\x01", 5, -EBADMSG}, /* hello cut short */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int ends[2];
        assert_int_equal(channel_pair(ends), 0);
        struct heard heard = {.loop = loop_create(), .fd = -1};
        channel_create(heard.loop, ends[0], on_message, on_closed, &heard);
        assert_int_equal(write(ends[1], rows[i].bytes, rows[i].length), (int)rows[i].length);
        loop_run(heard.loop);
        assert_int_equal(heard.closed, 1);
        assert_int_equal(heard.error, rows[i].error);
        loop_destroy(heard.loop);
        close(ends[1]);
    }
}

static void a_full_channel_says_so(void **state)
{
    int ends[2];
    assert_int_equal(channel_pair(ends), 0);
    struct heard heard = {.loop = loop_create(), .fd = -1};
    struct channel *a = channel_create(heard.loop, ends[0], on_message, on_closed, &heard);
    int result = 0, sent = 0;
    while (result == 0 && sent < 1000000) {
        result = channel_send(a, MSG_STOP, &(struct msg_empty){0}, -1);
        sent++;
    }
    assert_int_equal(result, -EAGAIN);
    close(ends[1]);
    assert_int_equal(channel_send(a, MSG_STOP, &(struct msg_empty){0}, -1), -EPIPE);
    channel_destroy(a);
    loop_destroy(heard.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_round_trips),
        cmocka_unit_test(cut_and_mangled_bytes_are_refused_or_harmless),
        cmocka_unit_test(descriptors_travel),
        cmocka_unit_test(nonsense_closes_the_channel),
        cmocka_unit_test(a_full_channel_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
