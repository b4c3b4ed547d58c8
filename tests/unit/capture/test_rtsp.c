/* A whole session against a camera played by a thread: it reads requests, answers each from a
 * script, and then sends media, whole, in crumbs, or mangled. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/rtsp.h"
#include "capture/source.h"

#define MANY 100
#define PICTURES 30

static const char sdp[] =
    "v=0\r\ns=x\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;sprop-parameter-sets="
    "Z0LAHtkAoD2hAAADAAEAAAMAKA8WLkg=,aMuDyyA=\r\na=control:video\r\n"
    "m=audio 0 RTP/AVP 8\r\na=control:audio\r\n";

/* One answer: to a request of that method, `%u` standing for its CSeq. */
struct step {
    const char *method;
    const char *answer;    /* NULL: a plain 200 */
    const char *wanted;    /* must be in the request; NULL = nothing */
    const char *forbidden; /* must not be in it */
    bool close;            /* afterwards; the next step is another connection's */
};

struct peer {
    int listener;
    uint16_t port;
    pthread_t thread;
    const struct step *steps;
    size_t count;
    struct str media; /* sent after the last step */
    size_t crumb;     /* bytes per send, 0 = all at once */
    bool stay;        /* then keeps the connection until the client leaves */
    struct str trouble;
    struct str heard; /* all requests, and what came after them */
};

static bool read_request(struct peer *peer, int fd, struct str *request)
{
    char c;
    str_clear(request);
    while (request->length < 8192 && recv(fd, &c, 1, 0) == 1) {
        str_add_char(request, c);
        str_add_char(&peer->heard, c);
        if (str_ends(request->data, "\r\n\r\n")) {
            return true;
        }
    }
    return false;
}

static void send_all(int fd, const char *data, size_t length, size_t crumb)
{
    while (length > 0) {
        size_t bytes = crumb > 0 && crumb < length ? crumb : length;
        ssize_t sent = send(fd, data, bytes, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        data += sent;
        length -= (size_t)sent;
        if (crumb > 0) { /* lets each piece be a segment of its own, now and then read as such */
            sched_yield();
        }
    }
}

static void answer(const struct step *step, int fd, const struct str *request)
{
    struct str AUTO_STR text = {0};
    const char *at = strstr(request->data, "CSeq: ");
    unsigned sequence = at != NULL ? (unsigned)strtoul(at + 6, NULL, 10) : 0;
    if (step->answer != NULL) {
        str_addf(&text, step->answer, sequence);
    } else if (str_equal(step->method, "DESCRIBE")) {
        str_addf(&text, "RTSP/1.0 200 OK\r\nCSeq: %u\r\nContent-Length: %zu\r\n\r\n%s", sequence,
                 sizeof sdp - 1, sdp);
    } else if (str_equal(step->method, "SETUP")) {
        str_addf(&text,
                 "RTSP/1.0 200 OK\r\nCSeq: %u\r\nSession: abc;timeout=60\r\n"
                 "Transport: RTP/AVP/TCP;unicast;interleaved=%s\r\n\r\n",
                 sequence, strstr(request->data, "/audio") != NULL ? "4-5" : "0-1");
    } else {
        str_addf(&text, "RTSP/1.0 200 OK\r\nCSeq: %u\r\nPublic: DESCRIBE, GET_PARAMETER\r\n\r\n",
                 sequence);
    }
    send_all(fd, text.data, text.length, 0);
}

static void *serve(void *context)
{
    struct peer *peer = context;
    struct str AUTO_STR request = {0};
    int fd = -1;
    for (size_t i = 0; i < peer->count; i++) {
        const struct step *step = &peer->steps[i];
        fd = fd < 0 ? accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC) : fd;
        if (fd < 0 || !read_request(peer, fd, &request)) {
            str_addf(&peer->trouble, "step %zu: no request\n", i);
            break;
        }
        if (!str_starts(request.data, step->method) ||
            (step->wanted != NULL && strstr(request.data, step->wanted) == NULL) ||
            (step->forbidden != NULL && strstr(request.data, step->forbidden) != NULL)) {
            str_addf(&peer->trouble, "step %zu: %s", i, request.data);
        }
        answer(step, fd, &request);
        if (step->close) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0) {
        send_all(fd, str_text(&peer->media), peer->media.length, peer->crumb);
        if (!peer->stay) {
            shutdown(fd, SHUT_WR);
        }
        while (read_request(peer, fd, &request)) {
        }
        close(fd);
    }
    return NULL;
}

static void peer_start(struct peer *peer, const struct step *steps, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    peer->steps = steps;
    peer->count = count;
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->listener, 4), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
    peer->port = ntohs(address.sin_port);
}

static void peer_run(struct peer *peer)
{
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void peer_finish(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    assert_string_equal(str_text(&peer->trouble), "");
    str_finish(&peer->trouble);
    str_finish(&peer->heard);
    str_finish(&peer->media);
}

/* ------------------------------------------------------------------ media */

static void add_frame(struct str *out, unsigned channel, const void *data, size_t bytes)
{
    char head[4] = {'$', (char)channel, (char)(bytes >> 8), (char)bytes};
    str_add_bytes(out, head, sizeof head);
    str_add_bytes(out, data, bytes);
}

static void add_rtp(struct str *out, unsigned sequence, uint32_t timestamp, bool marker,
                    const void *payload, size_t bytes)
{
    uint8_t packet[2000] = {0x80,
                            (uint8_t)(96 | marker << 7),
                            (uint8_t)(sequence >> 8),
                            (uint8_t)sequence,
                            (uint8_t)(timestamp >> 24),
                            (uint8_t)(timestamp >> 16),
                            (uint8_t)(timestamp >> 8),
                            (uint8_t)timestamp,
                            0,
                            0,
                            0,
                            7};
    memcpy(packet + 12, payload, bytes);
    add_frame(out, 0, packet, bytes + 12);
}

/* A picture in two fragments; its number is its content. */
static void add_picture(struct str *out, unsigned number)
{
    uint8_t payload[1000] = {0x7c, number == 0 ? 0x85 : 0x81, 0x88, (uint8_t)number};
    add_rtp(out, 2 * number, number * 4500, false, payload, sizeof payload);
    payload[1] ^= 0xc0;
    add_rtp(out, 2 * number + 1, number * 4500, true, payload, sizeof payload);
}

static struct rtsp *open_at(const struct peer *peer, const char *user, bool sound,
                            struct stopper *stopper, bool *unfit, struct err *err)
{
    char url[200];
    snprintf(url, sizeof url, "rtsp://%s127.0.0.1:%u/cam", user, peer->port);
    struct rtsp_options options = {.url = url,
                                   .pictures = true,
                                   .open_us = 20000000,
                                   .silence_us = 20000000,
                                   .sound = sound,
                                   .stopper = stopper};
    return rtsp_open(&options, unfit, err);
}

static const struct step plain[] = {
    {.method = "OPTIONS", .wanted = " rtsp://127.0.0.1:"},
    {.method = "DESCRIBE", .wanted = "Accept: application/sdp"},
    {.method = "SETUP", .wanted = "/cam/video RTSP/1.0"},
    {.method = "PLAY", .wanted = "Session: abc\r\n"},
};

/* Pictures that came, and how many of them had holes; the reason of the end in `err`. */
struct seen {
    int pictures, damaged, keys;
    int64_t last_pts;
    uint64_t lost;
    struct err err;
};

static struct seen play(struct peer *peer)
{
    struct stopper stopper;
    struct seen seen = {0};
    bool unfit;
    assert_int_equal(stopper_init(&stopper), 0);
    peer_run(peer);
    struct rtsp *rtsp = open_at(peer, "", false, &stopper, &unfit, &seen.err);
    AVPacket *packet = av_packet_alloc();
    struct mono arrival;
    while (rtsp != NULL && rtsp_read(rtsp, packet, &arrival, &seen.err) == 0) {
        seen.pictures++;
        seen.keys += packet->flags & AV_PKT_FLAG_KEY ? 1 : 0;
        seen.damaged += packet->flags & AV_PKT_FLAG_CORRUPT ? 1 : 0;
        seen.last_pts = packet->pts;
        seen.lost = rtsp_lost(rtsp);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    rtsp_close(rtsp);
    peer_finish(peer);
    stopper_finish(&stopper);
    return seen;
}

static void test_pictures_in_crumbs_of_any_size(void **state)
{
    static const size_t crumbs[] = {0, 1, 3, 4, 5, 1000, 1015, 1016, 1017, 2033};
    for (size_t i = 0; i < ARRAY_SIZE(crumbs); i++) {
        struct peer peer = {.crumb = crumbs[i]};
        peer_start(&peer, plain, ARRAY_SIZE(plain));
        for (unsigned n = 0; n < PICTURES; n++) {
            add_picture(&peer.media, n);
        }
        struct seen seen = play(&peer);
        assert_int_equal(seen.pictures, PICTURES);
        assert_int_equal(seen.keys, 1);
        assert_int_equal(seen.damaged, 0);
        assert_int_equal(seen.last_pts, (PICTURES - 1) * 4500);
        assert_int_equal(seen.err.code, ENODATA);
    }
}

static void test_media_before_the_answer_to_play(void **state)
{
    struct peer peer = {0};
    struct str AUTO_STR early = {0};
    static const uint8_t picture[] = {0x65, 0x88, 1};
    /* No zero bytes here: the answer is text to the script. */
    add_rtp(&early, 0x0101, 0x01010101, true, picture, sizeof picture);
    struct step steps[ARRAY_SIZE(plain)];
    memcpy(steps, plain, sizeof plain);
    struct str AUTO_STR text = {0};
    str_add(&text, "RTSP/1.0 200 OK\r\nCSeq: %u\r\n\r\n");
    steps[3].answer = text.data;
    peer_start(&peer, steps, ARRAY_SIZE(steps));
    str_add_bytes(&peer.media, early.data, early.length);
    assert_int_equal(play(&peer).pictures, 1);
}

static void test_loss_is_counted(void **state)
{
    struct peer peer = {0};
    peer_start(&peer, plain, ARRAY_SIZE(plain));
    for (unsigned n = 0; n < PICTURES; n++) {
        size_t before = peer.media.length;
        add_picture(&peer.media, n);
        if (n == 5) { /* its second half is missing */
            peer.media.length = before + (peer.media.length - before) / 2;
        }
        if (n == 10) {
            peer.media.length = before;
        }
    }
    struct seen seen = play(&peer);
    assert_int_equal(seen.pictures, PICTURES - 1);
    assert_int_equal(seen.lost, 3);
    assert_int_equal(seen.damaged, 1); /* those after a hole are whole */
}

static void test_garbage_between_frames(void **state)
{
    struct peer peer = {0};
    peer_start(&peer, plain, ARRAY_SIZE(plain));
    for (unsigned n = 0; n < PICTURES; n++) {
        str_add(&peer.media, n % 3 == 0 ? "\r\n" : n % 3 == 1 ? "garbage $$ $Q" : "");
        add_picture(&peer.media, n);
    }
    struct seen seen = play(&peer);
    assert_int_equal(seen.pictures, PICTURES);
    assert_int_equal(seen.damaged, 0);
}

static void test_nothing_but_garbage(void **state)
{
    struct peer peer = {0};
    peer_start(&peer, plain, ARRAY_SIZE(plain));
    for (int i = 0; i < 300000; i++) {
        str_add(&peer.media, "\x80\x81noise");
    }
    struct seen seen = play(&peer);
    assert_int_equal(seen.pictures, 0);
    assert_int_equal(seen.err.code, EPROTO);
}

static void test_requests_of_the_camera(void **state)
{
    struct peer peer = {0};
    peer_start(&peer, plain, ARRAY_SIZE(plain));
    add_picture(&peer.media, 0);
    str_add(&peer.media, "OPTIONS * RTSP/1.0\r\nCSeq: 900\r\n\r\n");
    add_picture(&peer.media, 1);
    str_add(&peer.media,
            "ANNOUNCE rtsp://x RTSP/1.0\r\nCSeq: 901\r\nContent-Length: 5\r\n\r\nv=0\r\n");
    add_picture(&peer.media, 2);
    str_add(&peer.media, "PAUSE rtsp://x RTSP/1.0\r\nCSeq: 902\r\n\r\n");
    add_picture(&peer.media, 3);
    str_add(&peer.media, "RTSP/1.0 454 Session Not Found\r\nCSeq: 1\r\n\r\n"); /* to none of ours */
    add_picture(&peer.media, 4);
    struct stopper stopper;
    struct err err = ERR_NONE;
    bool unfit;
    stopper_init(&stopper);
    peer_run(&peer);
    struct rtsp *rtsp = open_at(&peer, "", false, &stopper, &unfit, &err);
    assert_non_null(rtsp);
    AVPacket *packet = av_packet_alloc();
    struct mono arrival;
    int count = 0;
    for (; rtsp_read(rtsp, packet, &arrival, &err) == 0; count++) {
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    rtsp_close(rtsp);
    pthread_join(peer.thread, NULL);
    peer.thread = pthread_self();
    assert_int_equal(count, 5);
    assert_non_null(strstr(peer.heard.data, "RTSP/1.0 200 OK\r\nCSeq: 900\r\n"));
    assert_non_null(strstr(peer.heard.data, "RTSP/1.0 200 OK\r\nCSeq: 901\r\n"));
    assert_non_null(strstr(peer.heard.data, "RTSP/1.0 501 Not Implemented\r\nCSeq: 902\r\n"));
    assert_non_null(strstr(peer.heard.data, "TEARDOWN "));
    close(peer.listener);
    str_finish(&peer.trouble);
    str_finish(&peer.heard);
    str_finish(&peer.media);
    stopper_finish(&stopper);
}

static void test_goodbye(void **state)
{
    static const uint8_t others[] = {0x81, 203, 0, 1, 0, 0, 0, 9};
    static const uint8_t ours[] = {0x81, 203, 0, 1, 0, 0, 0, 7};
    struct peer peer = {.stay = true};
    peer_start(&peer, plain, ARRAY_SIZE(plain));
    add_picture(&peer.media, 0);
    add_frame(&peer.media, 1, others, sizeof others);
    add_picture(&peer.media, 1);
    add_frame(&peer.media, 1, ours, sizeof ours);
    struct seen seen = play(&peer);
    assert_int_equal(seen.pictures, 2);
    assert_int_equal(seen.err.code, ENODATA);
}

/* ------------------------------------------------------------------ dialogue */

#define BASIC "RTSP/1.0 401 Unauthorized\r\nCSeq: %u\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n"
#define DIGEST(nonce, more)                     \
    "RTSP/1.0 401 Unauthorized\r\nCSeq: %u\r\n" \
    "WWW-Authenticate: Digest realm=\"x\", nonce=\"" nonce "\"" more "\r\n\r\n"

struct dialogue {
    const char *user;
    struct step steps[8];
    const char *sentence; /* a part of it; NULL = it works out */
    bool unfit;
};

static const struct dialogue dialogues[] = {
    {"me:pw@",
     {{"OPTIONS", BASIC, NULL, "Authorization"},
      {"OPTIONS", NULL, "Authorization: Basic bWU6cHc=\r\n"},
      {"DESCRIBE"},
      {"SETUP", NULL, "Basic"},
      {"PLAY", NULL, "Basic"}}},
    {"me:pw@",
     {{"OPTIONS"},
      {"DESCRIBE", DIGEST("n1", "")},
      {"DESCRIBE", NULL, "nonce=\"n1\""},
      {"SETUP", DIGEST("n2", ", stale=true")},
      {"SETUP", NULL, "nonce=\"n2\""},
      {"PLAY", DIGEST("n3", "")},
      {"PLAY", NULL, "nonce=\"n3\""}}},
    /* a wrong password is not tried a second time */
    {"me:pw@",
     {{"OPTIONS"}, {"DESCRIBE", DIGEST("n1", "")}, {"DESCRIBE", DIGEST("n2", "")}},
     "401 Unauthorized: the camera wants another user or password"},
    {"", {{"OPTIONS", BASIC}}, "the camera wants a user and a password"},
    {"",
     {{"OPTIONS"}, {"DESCRIBE", "RTSP/1.0 404 Not Found\r\nCSeq: %u\r\n\r\n"}},
     "404 Not Found"},
    {"",
     {{"OPTIONS", "RTSP/1.0 501 What?\r\nCSeq: %u\r\n\r\n"}, {"DESCRIBE"}, {"SETUP"}, {"PLAY"}}},
    {"", {{"OPTIONS", "RTSP/1.0 200 OK\r\nContent-Length: 70000\r\n\r\n%u"}}, "camera ended it"},
    {"",
     {{"OPTIONS"},
      {"DESCRIBE"},
      {"SETUP", "RTSP/1.0 461 Unsupported Transport\r\nCSeq: %u\r\n\r\n"}},
     "461",
     true},
    {"",
     {{"OPTIONS"},
      {"DESCRIBE", "RTSP/1.0 200 OK\r\nCSeq: %u\r\nContent-Length: 48\r\n\r\n"
                   "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n\r\n\r"}},
     "another reader",
     true},
    {"",
     {{"OPTIONS"}, {"DESCRIBE", "RTSP/1.0 200 OK\r\nCSeq: %u\r\n\r\n"}},
     "another reader",
     true},
    /* answers to others, and none of the final kind, are passed over */
    {"",
     {{"OPTIONS", "RTSP/1.0 404 No\r\nCSeq: 77\r\n\r\nRTSP/1.0 100 Wait\r\n\r\n"
                  "RTSP/1.0 200 OK\r\nCSeq: %u\r\n\r\n"},
      {"DESCRIBE"},
      {"SETUP"},
      {"PLAY"}}},
    {"",
     {{"OPTIONS"}, {"DESCRIBE", "RTSP/1.0 302 Found\r\nCSeq: %u\r\nLocation: rtsps://x/\r\n\r\n"}},
     "302 Found"},
};

static void converse(const struct dialogue *dialogue)
{
    struct peer peer = {.stay = dialogue->sentence == NULL};
    struct stopper stopper;
    struct err err = ERR_NONE;
    size_t count = 0;
    while (count < ARRAY_SIZE(dialogue->steps) && dialogue->steps[count].method != NULL) {
        count++;
    }
    bool unfit;
    stopper_init(&stopper);
    peer_start(&peer, dialogue->steps, count);
    peer_run(&peer);
    struct rtsp *rtsp = open_at(&peer, dialogue->user, false, &stopper, &unfit, &err);
    assert_int_equal(unfit, dialogue->unfit);
    assert_int_equal(rtsp == NULL, dialogue->sentence != NULL);
    if (dialogue->sentence != NULL && strstr(err.text, dialogue->sentence) == NULL) {
        fail_msg("'%s' is not in '%s'", dialogue->sentence, err.text);
    }
    assert_null(strstr(err.text, "pw"));
    rtsp_close(rtsp);
    peer_finish(&peer);
    stopper_finish(&stopper);
}

static void test_dialogues(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(dialogues); i++) {
        converse(&dialogues[i]);
    }
}

static void test_redirect(void **state)
{
    static char found[200];
    static const struct step target[] = {
        {.method = "OPTIONS", .wanted = "/there RTSP"},
        {.method = "DESCRIBE", .answer = DIGEST("n", "")},
        {.method = "DESCRIBE", .wanted = "username=\"me\""}, /* the same host */
        {.method = "SETUP"},
        {.method = "PLAY"}};
    static const struct step origin[] = {{.method = "OPTIONS"},
                                         {.method = "DESCRIBE", .answer = found, .close = true}};
    struct peer first = {0}, second = {.stay = true};
    struct stopper stopper;
    struct err err = ERR_NONE;
    bool unfit;
    stopper_init(&stopper);
    peer_start(&first, origin, ARRAY_SIZE(origin));
    peer_start(&second, target, ARRAY_SIZE(target));
    snprintf(found, sizeof found,
             "RTSP/1.0 302 Found\r\nCSeq: %%u\r\nLocation: rtsp://127.0.0.1:%u/there\r\n\r\n",
             second.port);
    peer_run(&first);
    peer_run(&second);
    struct rtsp *rtsp = open_at(&first, "me:pw@", false, &stopper, &unfit, &err);
    assert_non_null(rtsp);
    rtsp_close(rtsp);
    peer_finish(&first);
    peer_finish(&second);
    stopper_finish(&stopper);
}

static void test_sound_too(void **state)
{
    static const struct step steps[] = {{.method = "OPTIONS"},
                                        {.method = "DESCRIBE"},
                                        {.method = "SETUP", .wanted = "/cam/video RTSP"},
                                        {.method = "SETUP", .wanted = "/cam/audio RTSP"},
                                        {.method = "PLAY"}};
    static const uint8_t sound[] = {0x80, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4};
    struct peer peer = {0};
    struct stopper stopper;
    struct err err = ERR_NONE;
    bool unfit;
    stopper_init(&stopper);
    peer_start(&peer, steps, ARRAY_SIZE(steps));
    add_picture(&peer.media, 0);
    add_frame(&peer.media, 4, sound, sizeof sound); /* the channel the camera chose */
    peer_run(&peer);
    struct rtsp *rtsp = open_at(&peer, "", true, &stopper, &unfit, &err);
    assert_non_null(rtsp);
    const AVFormatContext *format = rtsp_format(rtsp);
    assert_int_equal(format->nb_streams, 2);
    assert_int_equal(format->streams[0]->codecpar->codec_id, AV_CODEC_ID_H264);
    assert_int_equal(format->streams[0]->codecpar->width, 640);
    assert_int_equal(format->streams[0]->codecpar->height, 480);
    assert_true(format->streams[0]->codecpar->extradata_size > 10);
    assert_int_equal(format->streams[1]->codecpar->codec_id, AV_CODEC_ID_PCM_ALAW);
    assert_int_equal(format->streams[1]->codecpar->sample_rate, 8000);
    AVPacket *packet = av_packet_alloc();
    struct mono arrival;
    assert_int_equal(rtsp_read(rtsp, packet, &arrival, &err), 0);
    assert_int_equal(packet->stream_index, 0);
    av_packet_unref(packet);
    assert_int_equal(rtsp_read(rtsp, packet, &arrival, &err), 0);
    assert_int_equal(packet->stream_index, 1);
    assert_int_equal(packet->duration, 4);
    av_packet_free(&packet);
    rtsp_close(rtsp);
    peer_finish(&peer);
    stopper_finish(&stopper);
}

/* Where only sound is wanted the pictures are not asked for. */
static void test_sound_alone(void **state)
{
    static const struct step steps[] = {
        {.method = "OPTIONS"},
        {.method = "DESCRIBE"},
        {.method = "SETUP", .wanted = "/cam/audio RTSP/1.0"},
        {.method = "PLAY"},
    };
    struct peer peer = {0};
    struct stopper stopper;
    struct err err = ERR_NONE;
    bool unfit;
    char url[100];
    peer_start(&peer, steps, ARRAY_SIZE(steps));
    uint8_t sound[16] = {0x80, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4};
    add_frame(&peer.media, 4, sound, sizeof sound);
    stopper_init(&stopper);
    peer_run(&peer);
    snprintf(url, sizeof url, "rtsp://127.0.0.1:%u/cam", peer.port);
    struct rtsp_options options = {.url = url,
                                   .sound = true,
                                   .open_us = 20000000,
                                   .silence_us = 20000000,
                                   .stopper = &stopper};
    struct rtsp *rtsp = rtsp_open(&options, &unfit, &err);
    assert_non_null(rtsp);
    assert_int_equal(rtsp_format(rtsp)->nb_streams, 1);
    assert_int_equal(rtsp_format(rtsp)->streams[0]->codecpar->codec_id, AV_CODEC_ID_PCM_ALAW);
    AVPacket *packet = av_packet_alloc();
    struct mono arrival;
    assert_int_equal(rtsp_read(rtsp, packet, &arrival, &err), 0);
    assert_int_equal(packet->stream_index, 0);
    assert_int_equal(packet->duration, 4);
    av_packet_free(&packet);
    rtsp_close(rtsp);
    peer_finish(&peer);
    stopper_finish(&stopper);
}

static void *stop_soon(void *context)
{
    poll(NULL, 0, 50);
    stopper_stop(context);
    return NULL;
}

/* A camera that says nothing more, at any point: the stop flag ends the wait. */
static void test_stop_ends_any_wait(void **state)
{
    for (size_t steps = 0; steps <= ARRAY_SIZE(plain); steps++) {
        struct peer peer = {.stay = true};
        struct stopper stopper;
        struct err err = ERR_NONE;
        bool unfit;
        pthread_t thread;
        stopper_init(&stopper);
        peer_start(&peer, plain, steps);
        if (steps > 0) {
            peer_run(&peer);
        }
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stopper), 0);
        struct rtsp *rtsp = open_at(&peer, "", false, &stopper, &unfit, &err);
        AVPacket *packet = av_packet_alloc();
        struct mono arrival;
        if (rtsp != NULL) {
            assert_int_equal(rtsp_read(rtsp, packet, &arrival, &err), -ECANCELED);
        }
        assert_int_equal(err.code, ECANCELED);
        av_packet_free(&packet);
        rtsp_close(rtsp);
        pthread_join(thread, NULL);
        if (steps > 0) {
            peer_finish(&peer);
        } else {
            close(peer.listener);
        }
        stopper_finish(&stopper);
    }
}

static void test_silence_ends_it(void **state)
{
    struct peer peer = {.stay = true};
    struct stopper stopper;
    struct err err = ERR_NONE;
    bool unfit;
    char url[100];
    stopper_init(&stopper);
    peer_start(&peer, plain, ARRAY_SIZE(plain));
    peer_run(&peer);
    snprintf(url, sizeof url, "rtsp://127.0.0.1:%u/cam", peer.port);
    struct rtsp_options options = {
        .url = url, .pictures = true, .open_us = 20000000, .silence_us = 1000000, .stopper = &stopper};
    struct rtsp *rtsp = rtsp_open(&options, &unfit, &err);
    assert_non_null(rtsp);
    AVPacket *packet = av_packet_alloc();
    struct mono arrival;
    assert_int_equal(rtsp_read(rtsp, packet, &arrival, &err), -ETIMEDOUT);
    av_packet_free(&packet);
    rtsp_close(rtsp);
    peer_finish(&peer);
    stopper_finish(&stopper);
}

/* Pictures, reports and messages with random bytes changed, inserted and cut: it ends, whichever
 * way, and nothing is overread. */
static void test_mangled_media(void **state)
{
    unsigned seed = 4711;
    for (int round = 0; round < MANY; round++) {
        static const uint8_t report[] = {0x80, 200, 0, 6, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6,
                                         7,    8,   0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0};
        struct peer peer = {0};
        peer_start(&peer, plain, ARRAY_SIZE(plain));
        for (unsigned n = 0; n < PICTURES; n++) {
            add_picture(&peer.media, n);
            add_frame(&peer.media, 1, report, sizeof report);
            str_add(&peer.media, "RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 3\r\n\r\nabc");
        }
        for (int i = 0; i < 1 + round; i++) {
            seed = seed * 1103515245u + 12345u;
            peer.media.data[(seed >> 4) % peer.media.length] = (char)(seed >> 12);
        }
        peer.media.length -= (seed >> 6) % 1000;
        play(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures_in_crumbs_of_any_size),
        cmocka_unit_test(test_media_before_the_answer_to_play),
        cmocka_unit_test(test_loss_is_counted),
        cmocka_unit_test(test_garbage_between_frames),
        cmocka_unit_test(test_nothing_but_garbage),
        cmocka_unit_test(test_requests_of_the_camera),
        cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_dialogues),
        cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_sound_too),
        cmocka_unit_test(test_sound_alone),
        cmocka_unit_test(test_stop_ends_any_wait),
        cmocka_unit_test(test_silence_ends_it),
        cmocka_unit_test(test_mangled_media),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
