#include "capture/rtsp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "capture/rtsp_auth.h"
#include "capture/rtsp_link.h"
#include "capture/rtsp_message.h"
#include "capture/rtsp_stream.h"
#include "capture/sdp.h"
#include "version.h"

#define STREAMS_MAX 2
#define REDIRECTS_MAX 5
#define SESSION_S 60 /* where the server does not say */
#define SESSION_MIN_S 5
#define SESSION_MAX_S 3600
#define GARBAGE_MAX (1u << 20)
#define REFUSALS_MAX 3 /* of our reminders, one after the other */
#define TEXT_BYTES 1024
/* How long reads gather data: each costs about as much as all that is done with what it brings. The
 * kernel rounds up by one tick. */
#define GATHER_US 44000
#define GATHER_PATIENT_US 100000

struct rtsp {
    struct rtsp_options options;
    struct rtsp_link link;
    struct rtsp_url url;
    char *base;    /* of the session's controls */
    char *control; /* of all streams together */
    struct rtsp_auth auth;
    unsigned sequence; /* CSeq of the last request */
    char session[160];
    int64_t remind_us, remind_due_us;
    bool can_get_parameter;
    unsigned refusals;
    bool over;      /* the camera said goodbye */
    size_t garbage; /* bytes since something made sense */
    /* the answer to the last request */
    bool answered;
    struct str answer;
    struct rtsp_message reply; /* into `answer` */
    AVFormatContext *format;
    struct rtsp_stream streams[STREAMS_MAX];
    size_t count;
    struct mono began;      /* arrival of the first media */
    struct mono last_media; /* of the last unit */
    bool accepted;          /* our password was right before */
    AVPacket **queue;       /* complete units, from queue_first on */
    size_t queue_first, queue_count, queue_capacity;
};

/* ------------------------------------------------------------------ requests */

static int request(struct rtsp *rtsp, const char *method, const char *uri, const char *headers,
                   struct err *err)
{
    struct str AUTO_STR text = {0};
    const char *agent = rtsp->options.user_agent;
    str_addf(&text, "%s %s RTSP/1.0\r\nCSeq: %u\r\nUser-Agent: %s\r\n", method, uri,
             ++rtsp->sequence, agent != NULL ? agent : "Corvette " CORVETTE_VERSION);
    if (rtsp->url.user != NULL) {
        rtsp_auth_answer(&rtsp->auth, rtsp->url.user, rtsp->url.password, method, uri, &text);
    }
    if (rtsp->session[0] != '\0') {
        str_addf(&text, "Session: %s\r\n", rtsp->session);
    }
    str_addf(&text, "%s\r\n", headers);
    rtsp->answered = false;
    return rtsp_link_send(&rtsp->link, text.data, text.length, err);
}

/* The best of the challenges in a message; whether it is worth another try. */
static bool take_challenge(struct rtsp *rtsp, const struct rtsp_message *message)
{
    char value[TEXT_BYTES];
    bool tried = rtsp->auth.kind != RTSP_AUTH_NONE;
    struct rtsp_auth before = rtsp->auth;
    rtsp->auth = (struct rtsp_auth){0};
    for (unsigned n = 0; rtsp_header(message, "WWW-Authenticate", n, value, sizeof value); n++) {
        rtsp_auth_challenge(&rtsp->auth, value);
    }
    bool renewed = !str_equal(before.nonce, rtsp->auth.nonce);
    return rtsp->auth.kind != RTSP_AUTH_NONE && rtsp->url.user != NULL &&
           (!tried || before.kind != rtsp->auth.kind ||
            (renewed && (rtsp->auth.stale || rtsp->accepted)));
}

/* Asks whether the camera still knows the session, which keeps it from forgetting. */
static int remind(struct rtsp *rtsp, struct err *err)
{
    rtsp->remind_due_us = mono_now().us + rtsp->remind_us;
    return request(rtsp, rtsp->can_get_parameter ? "GET_PARAMETER" : "OPTIONS", rtsp->control, "",
                   err);
}

/* ------------------------------------------------------------------ what comes in */

static void keep_packet(void *context, AVPacket *packet)
{
    struct rtsp *rtsp = context;
    AVPacket *kept = av_packet_alloc();
    if (kept == NULL) {
        abort();
    }
    av_packet_move_ref(kept, packet);
    *MEM_PUSH(rtsp->queue, rtsp->queue_count, rtsp->queue_capacity) = kept;
}

static void take_frame(struct rtsp *rtsp, unsigned channel, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < rtsp->count; i++) {
        struct rtsp_stream *stream = &rtsp->streams[i];
        if (channel == stream->channel) {
            if (rtsp->began.us == 0) {
                rtsp->began = rtsp->link.arrival;
            }
            rtsp_stream_rtp(stream, data, length, rtsp->link.arrival.us - rtsp->began.us);
        } else if (channel == stream->channel + 1) {
            bool over = rtsp_stream_rtcp(stream, data, length);
            rtsp->over |= over && i == 0;
            if (i > 0) {
                rtsp_stream_follow(stream, &rtsp->streams[0]);
            }
        }
    }
}

/* The camera may ask, too: whatever it is, it is told how that stands with us. */
static int take_request(struct rtsp *rtsp, const struct rtsp_message *message, struct err *err)
{
    static const char *const known[] = {"OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE"};
    bool good = false;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        good |= str_equal(message->method, known[i]);
    }
    rtsp->over |= str_equal(message->method, "TEARDOWN") || str_equal(message->method, "REDIRECT");
    char sequence[16] = "";
    long long number;
    struct str AUTO_STR text = {0};
    str_addf(&text, "RTSP/1.0 %s\r\n", good || rtsp->over ? "200 OK" : "501 Not Implemented");
    if (rtsp_header(message, "CSeq", 0, sequence, sizeof sequence) &&
        str_to_int(sequence, &number)) {
        str_addf(&text, "CSeq: %lld\r\n", number);
    }
    str_add(&text, "\r\n");
    return rtsp_link_send(&rtsp->link, text.data, text.length, err);
}

/* While media flows, answers are those to reminders. */
static int take_reminded(struct rtsp *rtsp, const struct rtsp_message *message, struct err *err)
{
    if (message->status < 300) {
        rtsp->refusals = 0;
        return 0;
    }
    if (message->status == 454) {
        return err_set(err, ECONNRESET, "the camera has forgotten the session");
    }
    if (++rtsp->refusals >= REFUSALS_MAX) {
        return 0; /* it wants none, and says so each time */
    }
    if (message->status == 401) {
        take_challenge(rtsp, message);
        return remind(rtsp, err);
    }
    if (message->status == 405 || message->status == 501) {
        rtsp->can_get_parameter = false;
        return remind(rtsp, err);
    }
    return 0;
}

static int take_message(struct rtsp *rtsp, const struct rtsp_message *message, size_t bytes,
                        struct err *err)
{
    if (message->status == 0) {
        return take_request(rtsp, message, err);
    }
    char sequence[16];
    long long number;
    if (rtsp_header(message, "CSeq", 0, sequence, sizeof sequence) &&
        str_to_int(sequence, &number) && number != rtsp->sequence) {
        return 0; /* too late for anyone to care */
    }
    if (message->status < 200) {
        return 0;
    }
    if (rtsp->link.gathering) {
        return take_reminded(rtsp, message, err);
    }
    str_clear(&rtsp->answer);
    str_add_bytes(&rtsp->answer, (const char *)rtsp->link.data + rtsp->link.begin, bytes);
    rtsp_message_read(&rtsp->reply, rtsp->answer.data, rtsp->answer.length);
    rtsp->answered = true;
    return 0;
}

/* Could be the beginning of a message, as far as there is any of it. */
static bool looks_like_message(const uint8_t *at, size_t bytes)
{
    size_t i = 0;
    for (; i < bytes && i < 4; i++) {
        if (!((at[i] >= 'A' && at[i] <= 'Z') || (at[i] == '_' && i > 0))) {
            return false;
        }
    }
    return i > 0;
}

static bool is_channel(const struct rtsp *rtsp, unsigned channel)
{
    for (size_t i = 0; i < rtsp->count; i++) {
        if (channel == rtsp->streams[i].channel || channel == rtsp->streams[i].channel + 1) {
            return true;
        }
    }
    return false;
}

/* Skips to what may be a frame of ours or a message. */
static int skip_garbage(struct rtsp *rtsp, struct err *err)
{
    struct rtsp_link *link = &rtsp->link;
    size_t from = link->begin++;
    for (; link->begin < link->end; link->begin++) {
        const uint8_t *at = link->data + link->begin;
        size_t left = rtsp_link_bytes(link);
        bool frame =
            *at == '$' && (left < 2 || is_channel(rtsp, at[1])) && (left < 5 || at[4] >> 6 == 2);
        if (frame || (*at == 'R' && memcmp(at, "RTSP/1.0", left < 8 ? left : 8) == 0)) {
            break;
        }
    }
    rtsp->garbage += link->begin - from;
    return rtsp->garbage > GARBAGE_MAX ? err_set(err, EPROTO, "the camera sends garbage") : 1;
}

/* Takes one frame or message from the buffer: 1, 0 when more must come first, or -errno. */
static int take_one(struct rtsp *rtsp, struct err *err)
{
    struct rtsp_link *link = &rtsp->link;
    const uint8_t *at = link->data + link->begin;
    size_t left = rtsp_link_bytes(link);
    if (left == 0) {
        return 0;
    }
    if (*at == '$') {
        size_t bytes = left >= 4 ? 4 + ((size_t)at[2] << 8 | at[3]) : 0;
        if (bytes == 0 || bytes > left) {
            return 0;
        }
        link->begin += bytes;
        rtsp->garbage = 0;
        take_frame(rtsp, at[1], at + 4, bytes - 4);
        return 1;
    }
    if (*at == '\r' || *at == '\n') {
        link->begin++;
        return 1;
    }
    struct rtsp_message message;
    int head =
        looks_like_message(at, left) ? rtsp_message_read(&message, (const char *)at, left) : -1;
    if (head <= 0) {
        return head < 0 ? skip_garbage(rtsp, err) : 0;
    }
    size_t bytes = (size_t)head + message.body_bytes;
    if (bytes > left) {
        return 0;
    }
    rtsp->garbage = 0;
    int result = take_message(rtsp, &message, bytes, err);
    link->begin += bytes;
    return result < 0 ? result : 1;
}

/* ------------------------------------------------------------------ asking, at the beginning */

static int wait_for_answer(struct rtsp *rtsp, int64_t deadline_us, struct err *err)
{
    while (!rtsp->answered) {
        int result = take_one(rtsp, err);
        if (result == 0) {
            result = rtsp_link_fill(&rtsp->link, deadline_us, err);
        }
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* Asks and waits for the answer, saying who we are when that is wanted. */
static int ask(struct rtsp *rtsp, const char *method, const char *uri, const char *headers,
               int64_t deadline_us, struct err *err)
{
    for (unsigned tries = 0;; tries++) {
        int result = request(rtsp, method, uri, headers, err);
        result = result == 0 ? wait_for_answer(rtsp, deadline_us, err) : result;
        if (result < 0) {
            return result;
        }
        rtsp->accepted |= rtsp->reply.status < 300 && rtsp->auth.kind != RTSP_AUTH_NONE;
        if (rtsp->reply.status != 401 || tries >= REFUSALS_MAX ||
            !take_challenge(rtsp, &rtsp->reply)) {
            return 0;
        }
    }
}

static int refused(const struct rtsp *rtsp, const char *method, struct err *err)
{
    const struct rtsp_message *reply = &rtsp->reply;
    if (reply->status == 401) {
        return err_set(err, EACCES, "401 Unauthorized: the camera wants %s",
                       rtsp->url.user != NULL ? "another user or password"
                                              : "a user and a password");
    }
    return err_set(err, EPROTO, "%u %s (%s)", reply->status, reply->reason, method);
}

static void take_session(struct rtsp *rtsp)
{
    char value[sizeof rtsp->session], timeout[16];
    long long seconds = SESSION_S;
    if (!rtsp_header(&rtsp->reply, "Session", 0, value, sizeof value)) {
        return;
    }
    if (!rtsp_parameter(value, ';', "timeout", timeout, sizeof timeout) ||
        !str_to_int(timeout, &seconds)) {
        seconds = SESSION_S;
    }
    seconds = seconds < SESSION_MIN_S ? SESSION_MIN_S : seconds;
    seconds = seconds > SESSION_MAX_S ? SESSION_MAX_S : seconds;
    rtsp->remind_us = seconds * 1000000 / 2;
    snprintf(rtsp->session, sizeof rtsp->session, "%.*s", (int)strcspn(value, "; \t\r"), value);
}

/* ------------------------------------------------------------------ the beginning */

/* Another place; the password goes along to the same host only. */
static bool take_redirect(struct rtsp *rtsp, const char *location)
{
    struct rtsp_url url;
    if (!rtsp_url_read(&url, location)) {
        return false;
    }
    if (url.user == NULL && rtsp->url.user != NULL && strcasecmp(url.host, rtsp->url.host) == 0) {
        url.user = mem_strdup(rtsp->url.user);
        url.password = mem_strdup(rtsp->url.password);
    }
    rtsp_url_finish(&rtsp->url);
    rtsp->url = url;
    rtsp->auth = (struct rtsp_auth){0};
    rtsp->accepted = false;
    rtsp->session[0] = '\0';
    rtsp_link_close(&rtsp->link);
    return true;
}

/* Connects and asks for the description, wherever the camera says it is. */
static int describe(struct rtsp *rtsp, int64_t deadline_us, struct err *err)
{
    for (unsigned hops = 0; hops <= REDIRECTS_MAX; hops++) {
        int result =
            rtsp_link_connect(&rtsp->link, rtsp->url.host, rtsp->url.port, deadline_us, err);
        if (result < 0) {
            return result;
        }
        char value[TEXT_BYTES];
        result = ask(rtsp, "OPTIONS", rtsp->url.request, "", deadline_us, err);
        if (result < 0) {
            return result;
        }
        rtsp->can_get_parameter = rtsp_header(&rtsp->reply, "Public", 0, value, sizeof value) &&
                                  strcasestr(value, "GET_PARAMETER") != NULL;
        if (rtsp->reply.status != 401 && rtsp->reply.status / 100 != 3) {
            result = ask(rtsp, "DESCRIBE", rtsp->url.request, "Accept: application/sdp\r\n",
                         deadline_us, err);
        }
        if (result < 0) {
            return result;
        }
        if (rtsp->reply.status == 200) {
            return 0;
        }
        if (rtsp->reply.status / 100 != 3 ||
            !rtsp_header(&rtsp->reply, "Location", 0, value, sizeof value) ||
            !take_redirect(rtsp, value)) {
            return refused(rtsp, "DESCRIBE", err);
        }
    }
    return err_set(err, ELOOP, "the camera sends us from place to place");
}

static void choose_base(struct rtsp *rtsp)
{
    char value[TEXT_BYTES];
    bool named = rtsp_header(&rtsp->reply, "Content-Base", 0, value, sizeof value) ||
                 rtsp_header(&rtsp->reply, "Content-Location", 0, value, sizeof value);
    struct rtsp_url url;
    if (named && rtsp_url_read(&url, value)) {
        rtsp->base = mem_strdup(url.request);
        rtsp_url_finish(&url);
    } else {
        rtsp->base = mem_strdup(rtsp->url.request);
    }
}

/* One stream of pictures and one of sound, where they are wanted; false when something is offered
 * that is not known here, or sound alone is wanted and there is none. */
static bool open_streams(struct rtsp *rtsp, const struct sdp *sdp)
{
    static const enum sdp_kind kinds[STREAMS_MAX] = {SDP_VIDEO, SDP_AUDIO};
    const bool wanted[STREAMS_MAX] = {rtsp->options.pictures, rtsp->options.sound};
    for (size_t k = 0; k < STREAMS_MAX; k++) {
        const struct sdp_media *media = NULL;
        if (!wanted[k]) {
            continue;
        }
        for (size_t i = 0; i < sdp->count && media == NULL; i++) {
            media = sdp->media[i].kind == kinds[k] ? &sdp->media[i] : NULL;
        }
        if (media == NULL && kinds[k] == SDP_AUDIO && wanted[0]) {
            continue;
        }
        struct rtsp_stream *stream = &rtsp->streams[rtsp->count];
        if (media == NULL) {
            return false;
        }
        rtsp->count++;
        if (!rtsp_stream_open(stream, rtsp->format, media)) {
            return false;
        }
        stream->emit = keep_packet;
        stream->context = rtsp;
        stream->control = rtsp_url_join(rtsp->base, media->control);
    }
    return true;
}

static int read_description(struct rtsp *rtsp, bool *unfit, struct err *err)
{
    struct sdp sdp;
    bool good = sdp_read(&sdp, rtsp->answer.data + (rtsp->answer.length - rtsp->reply.body_bytes),
                         rtsp->reply.body_bytes);
    choose_base(rtsp);
    rtsp->control = rtsp_url_join(rtsp->base, sdp.control);
    *unfit = !good || !open_streams(rtsp, &sdp);
    sdp_finish(&sdp);
    return *unfit ? err_set(err, ENOTSUP, "its streams need another reader") : 0;
}

static int set_up(struct rtsp *rtsp, struct rtsp_stream *stream, unsigned channel, bool *unfit,
                  int64_t deadline_us, struct err *err)
{
    char headers[100], value[TEXT_BYTES], channels[24];
    snprintf(headers, sizeof headers, "Transport: RTP/AVP/TCP;unicast;interleaved=%u-%u\r\n",
             channel, channel + 1);
    stream->channel = channel;
    int result = ask(rtsp, "SETUP", stream->control, headers, deadline_us, err);
    if (result < 0) {
        return result;
    }
    bool answered = rtsp_header(&rtsp->reply, "Transport", 0, value, sizeof value);
    *unfit = rtsp->reply.status == 461 ||
             (rtsp->reply.status == 200 && answered && strcasestr(value, "RTP/AVP/TCP") == NULL);
    if (rtsp->reply.status != 200 || *unfit) {
        return refused(rtsp, "SETUP", err);
    }
    unsigned given;
    if (answered && rtsp_parameter(value, ';', "interleaved", channels, sizeof channels) &&
        sscanf(channels, "%3u", &given) == 1 && given < 255) {
        stream->channel = given;
    }
    take_session(rtsp);
    return 0;
}

static int begin(struct rtsp *rtsp, bool *unfit, struct err *err)
{
    int64_t deadline_us = mono_now().us + rtsp->options.open_us;
    int result = describe(rtsp, deadline_us, err);
    result = result == 0 ? read_description(rtsp, unfit, err) : result;
    for (size_t i = 0; i < rtsp->count && result == 0; i++) {
        result = set_up(rtsp, &rtsp->streams[i], (unsigned)(2 * i), unfit, deadline_us, err);
    }
    if (result == 0) {
        result = ask(rtsp, "PLAY", rtsp->control, "Range: npt=0.000-\r\n", deadline_us, err);
    }
    if (result == 0 && rtsp->reply.status != 200) {
        result = refused(rtsp, "PLAY", err);
    }
    if (result == 0) {
        rtsp->last_media = mono_now();
        rtsp->remind_due_us = rtsp->last_media.us + rtsp->remind_us;
        rtsp_link_gather(&rtsp->link);
    }
    return result;
}

struct rtsp *rtsp_open(const struct rtsp_options *options, bool *unfit, struct err *err)
{
    struct rtsp_url url;
    *unfit = !rtsp_url_read(&url, options->url);
    if (*unfit) {
        err_set(err, EINVAL, "its URL is none we know");
        return NULL;
    }
    struct rtsp *rtsp = mem_alloc(sizeof *rtsp);
    rtsp->options = *options;
    rtsp->url = url;
    rtsp->remind_us = SESSION_S * 1000000ll / 2;
    rtsp->format = avformat_alloc_context();
    if (rtsp->format == NULL) {
        abort();
    }
    rtsp_link_init(&rtsp->link, options->stopper, options->silence_us,
                   options->patient ? GATHER_PATIENT_US : GATHER_US);
    if (begin(rtsp, unfit, err) < 0) {
        rtsp_close(rtsp);
        return NULL;
    }
    return rtsp;
}

void rtsp_close(struct rtsp *rtsp)
{
    if (rtsp == NULL) {
        return;
    }
    struct err ignored = ERR_NONE;
    if (rtsp->link.fd >= 0 && rtsp->session[0] != '\0') {
        rtsp->link.gathering = true; /* saying goodbye must not hold us up */
        request(rtsp, "TEARDOWN", rtsp->control, "", &ignored);
    }
    rtsp_link_finish(&rtsp->link);
    for (size_t i = 0; i < rtsp->count; i++) {
        rtsp_stream_finish(&rtsp->streams[i]);
    }
    for (size_t i = rtsp->queue_first; i < rtsp->queue_count; i++) {
        av_packet_free(&rtsp->queue[i]);
    }
    free(rtsp->queue);
    avformat_free_context(rtsp->format);
    str_finish(&rtsp->answer);
    rtsp_url_finish(&rtsp->url);
    free(rtsp->base);
    free(rtsp->control);
    free(rtsp);
}

/* ------------------------------------------------------------------ reading */

static int fetch(struct rtsp *rtsp, struct err *err)
{
    int result = take_one(rtsp, err);
    if (result != 0) {
        return result;
    }
    if (rtsp->over) {
        return err_set(err, ENODATA, "the camera ended it");
    }
    result = rtsp_link_fill(&rtsp->link, INT64_MAX, err);
    int64_t now_us = mono_now().us;
    if (result == 0 && now_us - rtsp->last_media.us > rtsp->options.silence_us) {
        return err_set(err, ETIMEDOUT, "nothing came for %d s",
                       (int)(rtsp->options.silence_us / 1000000));
    }
    return result == 0 && now_us > rtsp->remind_due_us ? remind(rtsp, err) : result;
}

int rtsp_read(struct rtsp *rtsp, AVPacket *packet, struct mono *arrival, struct err *err)
{
    while (rtsp->queue_first == rtsp->queue_count) {
        rtsp->queue_first = rtsp->queue_count = 0;
        int result = fetch(rtsp, err);
        if (result < 0) {
            return result;
        }
    }
    AVPacket *kept = rtsp->queue[rtsp->queue_first++];
    av_packet_move_ref(packet, kept);
    av_packet_free(&kept);
    *arrival = rtsp->last_media = rtsp->link.arrival;
    return 0;
}

AVFormatContext *rtsp_format(struct rtsp *rtsp)
{
    return rtsp->format;
}

uint64_t rtsp_lost(const struct rtsp *rtsp)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < rtsp->count; i++) {
        lost += rtsp->streams[i].order.lost;
    }
    return lost;
}
