#include "link/web.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/mem.h"

#define POLL_MS 1000 /* curl's own timers are looked at that often at least */

struct web {
    CURL *easy;
    CURLM *multi;
    int stop_fd;
    bool direct;
    char error[CURL_ERROR_SIZE];
    /* of the exchange that runs */
    struct str *body;
    size_t body_max;
    bool too_long;
};

void web_answer_finish(struct web_answer *answer)
{
    str_finish(&answer->body);
    *answer = (struct web_answer){0};
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct web *web = context;
    size_t length = size * count;
    if (length > web->body_max - web->body->length) {
        web->too_long = true;
        return 0; /* curl gives up */
    }
    str_add_bytes(web->body, data, length);
    return length;
}

struct web *web_create(int stop_fd, bool direct)
{
    struct web *web = mem_alloc(sizeof *web);
    web->easy = curl_easy_init();
    web->multi = curl_multi_init();
    if (web->easy == NULL || web->multi == NULL) {
        abort(); /* out of memory */
    }
    web->stop_fd = stop_fd;
    web->direct = direct;
    return web;
}

void web_destroy(struct web *web)
{
    if (web == NULL) {
        return;
    }
    curl_easy_cleanup(web->easy);
    curl_multi_cleanup(web->multi);
    free(web);
}

static curl_mime *make_form(struct web *web, const struct web_request *request)
{
    curl_mime *form = curl_mime_init(web->easy);
    for (size_t i = 0; i < request->part_count; i++) {
        const struct web_part *from = &request->parts[i];
        curl_mimepart *part = curl_mime_addpart(form);
        curl_mime_name(part, from->name);
        curl_mime_data(part, from->data, from->length);
        curl_mime_filename(part, from->file_name);
        curl_mime_type(part, from->type);
    }
    return form;
}

static struct curl_slist *make_headers(const struct web_request *request)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
        list = curl_slist_append(list, request->headers[i]);
    }
    return curl_slist_append(list, "Expect:"); /* cameras do not know 100-continue */
}

static void set_common(struct web *web, const struct web_request *request)
{
    CURL *easy = web->easy;
    curl_easy_reset(easy); /* connections and their caches stay */
    web->error[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, web->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* no waiting for a name that is looked up */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->total_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, web);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (web->direct) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    if (request->login != WEB_LOGIN_NONE) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH,
                         request->login == WEB_LOGIN_BASIC ? CURLAUTH_BASIC : CURLAUTH_DIGEST);
        curl_easy_setopt(easy, CURLOPT_USERNAME, request->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, request->password);
    }
}

static void set_body(struct web *web, const struct web_request *request, curl_mime *form)
{
    CURL *easy = web->easy;
    if (form != NULL) {
        curl_easy_setopt(easy, CURLOPT_MIMEPOST, form);
    } else if (request->body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static bool stopped(const struct web *web)
{
    struct pollfd stop = {.fd = web->stop_fd, .events = POLLIN};
    return poll(&stop, 1, 0) > 0;
}

/* Runs the transfer to its end: CURLE_OK or what went wrong; CURLE_ABORTED_BY_CALLBACK when
 * stopped.
 */
static CURLcode transfer(struct web *web)
{
    struct curl_waitfd stop = {.fd = web->stop_fd, .events = CURL_WAIT_POLLIN};
    int running = 1;
    while (running > 0) {
        if (stopped(web)) {
            return CURLE_ABORTED_BY_CALLBACK;
        }
        if (curl_multi_perform(web->multi, &running) != CURLM_OK ||
            (running > 0 && curl_multi_poll(web->multi, &stop, 1, POLL_MS, NULL) != CURLM_OK)) {
            return CURLE_FAILED_INIT;
        }
    }
    int left;
    const CURLMsg *message = curl_multi_info_read(web->multi, &left);
    return message != NULL ? message->data.result : CURLE_FAILED_INIT;
}

static int explain(struct web *web, const struct web_request *request, CURLcode code,
                   struct err *err)
{
    if (web->too_long) {
        return err_set(err, EFBIG, "the answer is longer than %zu bytes", request->answer_max);
    }
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, ETIMEDOUT, "no answer in time");
    case CURLE_ABORTED_BY_CALLBACK:
        return err_set(err, ECANCELED, "stopping");
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_set(err, EHOSTUNREACH, "the name of the host is not known");
    case CURLE_COULDNT_CONNECT:
        return err_set(err, ECONNREFUSED, "cannot connect");
    default:
        return err_set(err, EIO, "%s",
                       web->error[0] != '\0' ? web->error : curl_easy_strerror(code));
    }
}

int web_exchange(struct web *web, const struct web_request *request, struct web_answer *answer,
                 struct err *err)
{
    if (request->total_ms <= 0) {
        return err_set(err, ETIMEDOUT, "no answer in time");
    }
    str_clear(&answer->body);
    web->body = &answer->body;
    web->body_max = request->answer_max;
    web->too_long = false;
    curl_mime *form = request->part_count > 0 ? make_form(web, request) : NULL;
    struct curl_slist *headers = make_headers(request);
    set_common(web, request);
    set_body(web, request, form);
    curl_easy_setopt(web->easy, CURLOPT_HTTPHEADER, headers);

    curl_multi_add_handle(web->multi, web->easy);
    CURLcode code = transfer(web);
    curl_multi_remove_handle(web->multi, web->easy);

    long status = 0, wanted = 0;
    curl_easy_getinfo(web->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(web->easy, CURLINFO_HTTPAUTH_AVAIL, &wanted);
    answer->status = (int)status;
    answer->wants_digest = status == 401 && ((unsigned long)wanted & CURLAUTH_DIGEST) != 0;
    curl_easy_setopt(web->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(web->easy, CURLOPT_MIMEPOST, NULL);
    curl_slist_free_all(headers);
    curl_mime_free(form);
    return code == CURLE_OK ? 0 : explain(web, request, code, err);
}
