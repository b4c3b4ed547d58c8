/* RTP packets made by hand into access units: order, loss, fragments, aggregates, mangled ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/depacketize.h"
#include "capture/rtp.h"

#define UNITS_MAX 16

struct taken {
    struct {
        struct str data;
        int64_t time, duration;
        bool key, damaged;
    } units[UNITS_MAX];
    size_t count;
    uint64_t total;
};

static void take(void *context, const struct rtp_unit *unit)
{
    struct taken *taken = context;
    taken->total++;
    assert_true(unit->bytes > 0);
    if (taken->count < UNITS_MAX) {
        size_t i = taken->count++;
        str_add_bytes(&taken->units[i].data, unit->data, unit->bytes);
        taken->units[i].time = unit->time;
        taken->units[i].duration = unit->duration;
        taken->units[i].key = unit->key;
        taken->units[i].damaged = unit->damaged;
    }
}

static void taken_finish(struct taken *taken)
{
    for (size_t i = 0; i < taken->count; i++) {
        str_finish(&taken->units[i].data);
    }
}

static void feed(struct depacketizer *unit, int64_t time, bool marker, bool gap, const void *data,
                 size_t bytes)
{
    /* Its own allocation: a read past the end is seen. */
    uint8_t AUTO_FREE *copy = mem_dup(data, bytes);
    struct rtp_packet packet = {.marker = marker, .payload = copy, .bytes = bytes};
    depacketize(unit, &packet, time, gap);
}

#define FEED(unit_, time_, marker_, gap_, ...)                        \
    feed(unit_, time_, marker_, gap_, (const uint8_t[]){__VA_ARGS__}, \
         sizeof((const uint8_t[]){__VA_ARGS__}))
#define ASSERT_UNIT(taken_, i_, time_, key_, damaged_, ...)                        \
    do {                                                                           \
        static const uint8_t wanted[] = {__VA_ARGS__};                             \
        assert_true((taken_)->count > (i_));                                       \
        assert_int_equal((taken_)->units[i_].data.length, sizeof wanted);          \
        assert_memory_equal((taken_)->units[i_].data.data, wanted, sizeof wanted); \
        assert_int_equal((taken_)->units[i_].time, time_);                         \
        assert_int_equal((taken_)->units[i_].key, key_);                           \
        assert_int_equal((taken_)->units[i_].damaged, damaged_);                   \
    } while (0)

static struct depacketizer make(enum rtp_coding coding, bool prefixed, struct taken *taken)
{
    return (struct depacketizer){.coding = coding,
                                 .prefixed = prefixed,
                                 .emit = take,
                                 .context = taken,
                                 .size_bits = 13,
                                 .index_bits = 3,
                                 .delta_bits = 3,
                                 .unit_ticks = 1024,
                                 .sample_bytes = 1};
}

static void test_h264_single_and_fragments(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H264, true, &taken);
    FEED(&unit, 90, false, false, 0x67, 1, 2);
    FEED(&unit, 90, false, false, 0x68, 3);
    FEED(&unit, 90, false, false, 0x7c, 0x85, 0x88, 1); /* IDR, three fragments */
    FEED(&unit, 90, false, false, 0x7c, 0x05, 2, 3);
    FEED(&unit, 90, true, false, 0x7c, 0x45, 4);
    FEED(&unit, 180, true, false, 0x41, 0x9a, 9);
    assert_int_equal(taken.count, 2);
    ASSERT_UNIT(&taken, 0, 90, true, false, 0, 0, 0, 3, 0x67, 1, 2, 0, 0, 0, 2, 0x68, 3, 0, 0, 0, 6,
                0x65, 0x88, 1, 2, 3, 4);
    ASSERT_UNIT(&taken, 1, 180, false, false, 0, 0, 0, 3, 0x41, 0x9a, 9);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_h264_aggregate_and_start_codes(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H264, false, &taken);
    /* delimiter and filler are left out; an aggregate's length past its end ends it */
    FEED(&unit, 1, false, false, 0x78, 0, 2, 9, 0xf0, 0, 2, 0x68, 3, 0, 3, 0x65, 0x80, 5);
    FEED(&unit, 1, true, false, 0x0c, 0xff, 0xff);
    FEED(&unit, 2, true, false, 0x78, 0, 3, 0x41, 0x80, 7, 0, 9, 0x41);
    assert_int_equal(taken.count, 2);
    ASSERT_UNIT(&taken, 0, 1, true, false, 0, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 0x80, 5);
    ASSERT_UNIT(&taken, 1, 2, false, true, 0, 0, 0, 1, 0x41, 0x80, 7);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_end_without_marker(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H264, true, &taken);
    FEED(&unit, 1, false, false, 0x41, 0x80);
    FEED(&unit, 2, false, false, 0x41, 0x81);
    FEED(&unit, 3, false, false, 0x41, 0x82);
    assert_int_equal(taken.count, 2);
    ASSERT_UNIT(&taken, 1, 2, false, false, 0, 0, 0, 2, 0x41, 0x81);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_marker_within_pictures(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H264, true, &taken);
    FEED(&unit, 1, true, false, 0x41, 0x80);
    FEED(&unit, 1, true, false, 0x41, 0x40); /* the picture's second slice */
    FEED(&unit, 2, true, false, 0x41, 0x80); /* from here on they stay together */
    FEED(&unit, 2, true, false, 0x41, 0x40);
    FEED(&unit, 3, true, false, 0x41, 0x80);
    assert_true(unit.marker_lies);
    ASSERT_UNIT(&taken, taken.count - 1, 2, false, false, 0, 0, 0, 2, 0x41, 0x80, 0, 0, 0, 2, 0x41,
                0x40);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_sets_with_a_time_of_their_own(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H264, true, &taken);
    FEED(&unit, 1, true, false, 0x67, 1);
    FEED(&unit, 2, true, false, 0x65, 0x80);
    ASSERT_UNIT(&taken, 0, 2, true, false, 0, 0, 0, 2, 0x67, 1, 0, 0, 0, 2, 0x65, 0x80);
    assert_int_equal(taken.count, 1);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_recovery_point_is_a_key(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H264, true, &taken);
    FEED(&unit, 1, false, false, 6, 1, 2, 0, 0, 6, 1, 0x84, 0x80);
    FEED(&unit, 1, true, false, 0x41, 0x80);
    FEED(&unit, 2, false, false, 6, 1, 2, 6, 1, 5, 1, 0x84, 0x80); /* the 6 is another's content */
    FEED(&unit, 2, true, false, 0x41, 0x80);
    assert_int_equal(taken.count, 2);
    assert_true(taken.units[0].key);
    assert_false(taken.units[1].key);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_loss(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H264, true, &taken);
    FEED(&unit, 1, false, false, 0x7c, 0x85, 0x88, 1);
    FEED(&unit, 1, true, true, 0x7c, 0x45, 4);         /* the middle is missing: what came stays */
    FEED(&unit, 2, true, true, 0x7c, 0x41, 4);         /* only an end: nothing can be made of it */
    FEED(&unit, 3, false, false, 0x7c, 0x81, 0x88, 1); /* without end or marker */
    FEED(&unit, 4, true, true, 0x41, 0x80, 1);
    assert_int_equal(taken.count, 3);
    ASSERT_UNIT(&taken, 0, 1, true, true, 0, 0, 0, 3, 0x65, 0x88, 1);
    ASSERT_UNIT(&taken, 1, 3, false, true, 0, 0, 0, 3, 0x61, 0x88, 1);
    assert_int_equal(taken.units[2].time, 4);
    assert_int_equal(unit.dropped, 1);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_h265(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H265, true, &taken);
    /* parameter sets in an aggregate, an IDR (19) in two fragments */
    FEED(&unit, 1, false, false, 0x60, 1, 0, 3, 0x40, 1, 7, 0, 3, 0x42, 1, 8);
    FEED(&unit, 1, false, false, 0x62, 1, 0x93, 0x80, 1);
    FEED(&unit, 1, true, false, 0x62, 1, 0x53, 2);
    FEED(&unit, 2, true, false, 0x02, 1, 0x80, 3);
    assert_int_equal(taken.count, 2);
    ASSERT_UNIT(&taken, 0, 1, true, false, 0, 0, 0, 3, 0x40, 1, 7, 0, 0, 0, 3, 0x42, 1, 8, 0, 0, 0,
                5, 0x26, 1, 0x80, 1, 2);
    ASSERT_UNIT(&taken, 1, 2, false, false, 0, 0, 0, 4, 0x02, 1, 0x80, 3);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_aac(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_AAC, false, &taken);
    FEED(&unit, 100, true, false, 0, 32, 0, 2 << 3, 0, 3 << 3, 'a', 'b', 'c', 'd', 'e');
    FEED(&unit, 2148, false, false, 0, 16, 0, 4 << 3, '1', '2'); /* over two packets */
    FEED(&unit, 2148, true, false, 0, 16, 0, 4 << 3, '3', '4');
    FEED(&unit, 3172, false, false, 0, 16, 0, 4 << 3, '1', '2'); /* its end is lost */
    FEED(&unit, 4196, true, true, 0, 16, 0, 1 << 3, 'x');
    FEED(&unit, 5220, true, false, 0xff, 0xff, 'x'); /* headers past the end */
    assert_int_equal(taken.count, 4);
    ASSERT_UNIT(&taken, 0, 100, true, false, 'a', 'b');
    ASSERT_UNIT(&taken, 1, 1124, true, false, 'c', 'd', 'e');
    ASSERT_UNIT(&taken, 2, 2148, true, false, '1', '2', '3', '4');
    ASSERT_UNIT(&taken, 3, 4196, true, false, 'x');
    assert_int_equal(taken.units[0].duration, 1024);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

static void test_plain_sound(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_WHOLE, false, &taken);
    FEED(&unit, 5, false, false, 1, 2, 3);
    ASSERT_UNIT(&taken, 0, 5, true, false, 1, 2, 3);
    assert_int_equal(taken.units[0].duration, 3);
    taken_finish(&taken);
}

static void test_size_is_bounded(void **state)
{
    struct taken taken = {0};
    struct depacketizer unit = make(CODING_H264, true, &taken);
    static const uint8_t start[] = {0x7c, 0x85, 0x88};
    static uint8_t piece[60000] = {0x7c, 0x05};
    feed(&unit, 1, false, false, start, sizeof start);
    for (size_t sent = 0; sent < 2 * (size_t)UNIT_MAX_BYTES; sent += sizeof piece) {
        feed(&unit, 1, false, false, piece, sizeof piece);
        assert_true(unit.bytes <= UNIT_MAX_BYTES);
    }
    FEED(&unit, 2, true, false, 0x41, 0x80);
    assert_int_equal(taken.count, 2);
    assert_true(taken.units[0].damaged);
    depacketizer_finish(&unit);
    taken_finish(&taken);
}

/* Random payloads, times, markers and gaps: nothing is overread, no unit passes the bound. */
static void test_random(void **state)
{
    unsigned seed = 99;
    for (int coding = CODING_H264; coding <= CODING_WHOLE; coding++) {
        struct taken taken = {.count = UNITS_MAX};
        struct depacketizer unit = make((enum rtp_coding)coding, coding & 1, &taken);
        for (int i = 0; i < 40000; i++) {
            uint8_t data[64];
            for (size_t k = 0; k < sizeof data; k++) {
                seed = seed * 1103515245u + 12345u;
                data[k] = (uint8_t)(seed >> 16);
            }
            static const uint8_t heads[] = {0x7c, 0x78, 0x41, 0x65, 0x62, 0x60, 0x26, 0x06};
            data[0] = i & 1 ? heads[data[0] & 7] : data[0];
            if (coding == CODING_AAC && i & 1) {
                data[0] = data[2] = 0; /* few and short units */
                data[1] &= 63;
            }
            size_t bytes = 1 + (seed >> 20) % sizeof data;
            feed(&unit, i / 3, data[5] & 1, data[6] < 16, data, bytes);
        }
        assert_true(taken.total > 100);
        depacketizer_finish(&unit);
    }
}

/* ------------------------------------------------------------------ packets themselves */

static void test_rtp_header(void **state)
{
    static const uint8_t whole[] = {0xb1, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0,   7,   1, 1,
                                    1,    1,    0,    0,    0, 1, 8, 8, 8, 8, 'x', 'y', 0, 2};
    struct rtp_packet packet;
    assert_true(rtp_read(&packet, whole, sizeof whole)); /* one CSRC, an extension, padding */
    assert_true(packet.marker);
    assert_int_equal(packet.payload_type, 96);
    assert_int_equal(packet.sequence, 0x1234);
    assert_int_equal(packet.timestamp, 9);
    assert_int_equal(packet.source, 7);
    assert_int_equal(packet.bytes, 2);
    assert_memory_equal(packet.payload, "xy", 2);
    for (size_t length = 0; length < sizeof whole; length++) {
        uint8_t AUTO_FREE *copy = mem_dup(whole, length > 0 ? length : 1);
        if (rtp_read(&packet, copy, length)) {
            assert_true(packet.payload + packet.bytes <= copy + length);
        }
    }
}

static struct rtp_packet numbered(unsigned sequence, uint32_t timestamp, uint32_t source)
{
    return (struct rtp_packet){
        .sequence = (uint16_t)sequence, .timestamp = timestamp, .source = source};
}

static void test_order(void **state)
{
    static const struct {
        unsigned sequence;
        uint32_t timestamp, source;
        enum rtp_verdict verdict;
        int64_t time;
        uint64_t lost;
    } rows[] = {
        {65534, 0xfffffff0, 1, RTP_NEXT, 0, 0},
        {65535, 0, 1, RTP_NEXT, 16, 0},
        {0, 10, 1, RTP_NEXT, 26, 0},
        {3, 40, 1, RTP_GAP, 56, 2},
        {2, 30, 1, RTP_OLD, 56, 2},
        {3, 40, 1, RTP_OLD, 56, 2},
        {4, 20, 1, RTP_NEXT, 36, 2},
        {9000, 777, 2, RTP_GAP, 36, 2},
        {9001, 787, 2, RTP_NEXT, 46, 2},
        {100, 797, 2, RTP_GAP, 56, 2}, /* begins anew */
    };
    struct rtp_order order = {0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rtp_packet packet = numbered(rows[i].sequence, rows[i].timestamp, rows[i].source);
        assert_int_equal(rtp_take(&order, &packet), rows[i].verdict);
        assert_int_equal(order.time, rows[i].time);
        assert_int_equal(order.lost, rows[i].lost);
    }
}

static void test_reports(void **state)
{
    static const uint8_t both[] = {0x80, 200, 0, 6, 0,    0,   0, 7, 0x83, 0xaa, 0x7e, 0x81,
                                   0x80, 0,   0, 0, 0,    0,   0, 9, 0,    0,    0,    0,
                                   0,    0,   0, 0, 0x81, 203, 0, 1, 0,    0,    0,    7};
    struct rtcp_report report;
    assert_true(rtcp_read(&report, both, sizeof both));
    assert_true(report.has_sender);
    assert_int_equal(report.source, 7);
    assert_int_equal(report.timestamp, 9);
    assert_int_equal(rtcp_ntp_us(report.ntp), 1500000); /* 1970-01-01 00:00:01.5 */
    assert_true(report.bye);
    assert_int_equal(report.bye_source, 7);
    assert_true(rtcp_read(&report, both, sizeof both - 1));
    assert_false(report.bye);
    assert_false(rtcp_read(&report, both, 20));
    assert_false(rtcp_read(&report, both, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264_single_and_fragments),
        cmocka_unit_test(test_h264_aggregate_and_start_codes),
        cmocka_unit_test(test_end_without_marker),
        cmocka_unit_test(test_marker_within_pictures),
        cmocka_unit_test(test_sets_with_a_time_of_their_own),
        cmocka_unit_test(test_recovery_point_is_a_key),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_h265),
        cmocka_unit_test(test_aac),
        cmocka_unit_test(test_plain_sound),
        cmocka_unit_test(test_size_is_bounded),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_rtp_header),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
