/* What was heard waits for the server, in order and up to a bound. */
#include "../cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sound/outbox.h"

#define EXTRA 3

struct server {
    struct loop *loop;
    int expected; /* number of the next one */
    int last;
};

static void closed(void *context, struct channel *channel, int error) {}

static void got(void *context, struct channel *channel, struct message *message)
{
    struct server *server = context;
    const struct msg_sound *sound = message->value;
    assert_int_equal(message->type, MSG_SOUND);
    assert_string_equal(sound->camera, "yard");
    assert_true(sound->start == server->expected);
    assert_true(sound->end > sound->start + 0.97 && sound->end < sound->start + 0.98);
    assert_int_equal(sound->labels.count, 2);
    assert_string_equal(sound->labels.items[0].label, "bark");
    assert_true(sound->labels.items[0].score == 0.9F);
    assert_string_equal(sound->labels.items[1].label, "yell");
    if (server->expected++ == server->last) {
        loop_stop(server->loop, 0);
    }
}

static void waits_in_order(void **state)
{
    struct worker worker = {0};
    struct outbox outbox = {0};
    atomic_uint_fast64_t dropped = 0;
    const struct listen_hit hits[] = {{"bark", 0.9F}, {"yell", 0.85F}};
    for (int i = 0; i < OUTBOX_MAX + EXTRA; i++) {
        outbox_add(&outbox, "yard", i, 4000, hits, ARRAY_SIZE(hits), &dropped);
        outbox_send(&outbox, &worker); /* nobody there */
    }
    assert_int_equal(outbox.count, OUTBOX_MAX);
    assert_int_equal(dropped, EXTRA);

    int ends[2];
    struct loop *loop = loop_create();
    struct server server = {loop, EXTRA, OUTBOX_MAX + EXTRA - 1};
    assert_int_equal(channel_pair(ends), 0);
    worker.server = channel_create(loop, ends[0], got, closed, NULL);
    struct channel *peer = channel_create(loop, ends[1], got, closed, &server);
    outbox_send(&outbox, &worker);
    while (outbox.count > 0) { /* the server is slower */
        size_t before = outbox.count;
        server.last = server.expected; /* one at a time makes room */
        assert_int_equal(loop_run(loop), 0);
        outbox_send(&outbox, &worker);
        assert_true(outbox.count <= before);
    }
    server.last = OUTBOX_MAX + EXTRA - 1;
    if (server.expected <= server.last) {
        assert_int_equal(loop_run(loop), 0);
    }
    assert_int_equal(server.expected, OUTBOX_MAX + EXTRA);
    assert_int_equal(dropped, EXTRA);
    channel_destroy(worker.server);
    channel_destroy(peer);
    loop_destroy(loop);
    outbox_finish(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
