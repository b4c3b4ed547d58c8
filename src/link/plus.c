#include "link/plus.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jout.h"
#include "base/mem.h"
#include "link/web.h"

#define CONNECT_MS 10000
#define CALL_MS 30000
#define ANSWER_MAX ((size_t)1 << 20)
#define TOKEN_SPARE_S 60 /* a token is renewed when less than this is left of it */
#define FIELDS_MAX 32    /* of one upload form; signed ones have about ten */

struct plus {
    char *user, *secret; /* the halves of the key; NULL without one */
    char *host;
    int stop_fd;
    struct plus_claims *claims;
    pthread_mutex_t lock; /* guards the token */
    char *token;
    double token_expires; /* seconds since the epoch */
};

/* One task: its own connections and its own deadline. */
struct task {
    struct plus *plus;
    struct web *web;
    struct mono deadline;
};

struct plus *plus_create(const char *key, const char *host)
{
    struct plus *plus = mem_alloc(sizeof *plus);
    plus->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (plus->stop_fd < 0) {
        free(plus);
        return NULL;
    }
    const char *colon = key != NULL ? strchr(key, ':') : NULL;
    if (colon != NULL) {
        plus->user = mem_strndup(key, (size_t)(colon - key));
        plus->secret = mem_strdup(colon + 1);
    }
    plus->host = mem_strdup(host != NULL ? host : PLUS_HOST);
    for (size_t end = strlen(plus->host); end > 0 && plus->host[end - 1] == '/';) {
        plus->host[--end] = '\0';
    }
    plus->claims = plus_claims_create();
    pthread_mutex_init(&plus->lock, NULL);
    return plus;
}

void plus_destroy(struct plus *plus)
{
    if (plus == NULL) {
        return;
    }
    plus_claims_destroy(plus->claims);
    pthread_mutex_destroy(&plus->lock);
    close(plus->stop_fd);
    free(plus->token);
    free(plus->user);
    free(plus->secret);
    free(plus->host);
    free(plus);
}

void plus_stop(struct plus *plus)
{
    eventfd_write(plus->stop_fd, 1);
}

bool plus_active(const struct plus *plus)
{
    return plus->user != NULL;
}

struct plus_claims *plus_claims(struct plus *plus)
{
    return plus->claims;
}

/* ---- calls ---- */

static struct task task_begin(struct plus *plus)
{
    return (struct task){
        .plus = plus,
        .web = web_create(plus->stop_fd, false),
        .deadline = {mono_now().us + (int64_t)PLUS_WAIT_MS * 1000},
    };
}

static void task_end(struct task *task)
{
    web_destroy(task->web);
}
#define AUTO_TASK __attribute__((cleanup(task_end)))

static int exchange(struct task *task, struct web_request *request, struct web_answer *answer,
                    struct err *err)
{
    int64_t left_ms = (task->deadline.us - mono_now().us) / 1000;
    request->connect_ms = CONNECT_MS;
    request->total_ms = (int)(left_ms < CALL_MS ? left_ms : CALL_MS);
    request->answer_max = ANSWER_MAX;
    return web_exchange(task->web, request, answer, err);
}

/* Whether the answer complains of the label: {"errors":[{"param":"label","type":..}]}. */
static bool label_is_unknown(const struct web_answer *answer)
{
    json_t *root = json_loadb(str_text(&answer->body), answer->body.length, 0, NULL);
    json_t *errors = json_object_get(root, "errors");
    bool unknown = false;
    for (size_t i = 0; i < json_array_size(errors); i++) {
        json_t *error = json_array_get(errors, i);
        const char *param = json_string_value(json_object_get(error, "param"));
        const char *type = json_string_value(json_object_get(error, "type"));
        unknown = unknown || (str_equal(param, "label") && str_equal(type, "invalid_enum_value"));
    }
    json_decref(root);
    return unknown;
}

static int check_status(const struct web_answer *answer, struct err *err)
{
    if (answer->status >= 200 && answer->status < 300) {
        return 0;
    }
    if (label_is_unknown(answer)) {
        return err_set(err, EOPNOTSUPP, "the label is not supported");
    }
    return err_set(err, answer->status == 401 ? EACCES : EREMOTEIO, "HTTP status %d",
                   answer->status);
}

/* The answer as a JSON object, or NULL with a sentence. */
static json_t *read_object(const struct web_answer *answer, struct err *err)
{
    json_t *root = json_loadb(str_text(&answer->body), answer->body.length, 0, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        err_set(err, EBADMSG, "the answer is not a JSON object");
        return NULL;
    }
    return root;
}

/* Lock held. */
static int fetch_token(struct task *task, struct err *err)
{
    struct plus *plus = task->plus;
    AUTO_FREE char *url = mem_printf("%s/v1/auth/token", plus->host);
    AUTO_WEB_ANSWER struct web_answer answer = {0};
    struct web_request request = {
        .method = "GET",
        .url = url,
        .login = WEB_LOGIN_BASIC,
        .user = plus->user,
        .password = plus->secret,
    };
    int result = exchange(task, &request, &answer, err);
    if (result == 0) {
        result = check_status(&answer, err);
    }
    json_t *root = result == 0 ? read_object(&answer, err) : NULL;
    const char *token = json_string_value(json_object_get(root, "accessToken"));
    json_t *expires = json_object_get(root, "expires");
    if (root != NULL &&
        (token == NULL || !json_is_number(expires) || strpbrk(token, "\r\n") != NULL)) {
        err_set(err, EBADMSG, "the answer has no accessToken and expires");
    } else if (root != NULL) {
        free(plus->token);
        plus->token = mem_strdup(token);
        plus->token_expires = json_number_value(expires);
    }
    json_decref(root);
    return err->code == 0 ? 0 : err_prefix(err, "access token");
}

/* "Authorization: Bearer ..." for the caller to free; NULL with a sentence. `refused`: the header
 * that the service did not take, or NULL. */
static char *authorization(struct task *task, const char *refused, struct err *err)
{
    struct plus *plus = task->plus;
    pthread_mutex_lock(&plus->lock);
    char *header = plus->token != NULL ? mem_printf("Authorization: Bearer %s", plus->token) : NULL;
    double left = plus->token_expires - wall_seconds(wall_now());
    if (header == NULL || left < TOKEN_SPARE_S || str_equal(header, refused)) {
        free(header);
        header = fetch_token(task, err) == 0 ? mem_printf("Authorization: Bearer %s", plus->token)
                                             : NULL;
    }
    pthread_mutex_unlock(&plus->lock);
    return header;
}

/* Asks the service, with a new token should it not take the one we have. `json` NULL: no body. */
static int call(struct task *task, const char *method, const char *path, const struct str *json,
                struct web_answer *answer, struct err *err)
{
    AUTO_FREE char *url = mem_printf("%s%s", task->plus->host, path);
    AUTO_FREE char *refused = NULL;
    int result = -EACCES;
    for (int attempt = 0; attempt < 2 && result == -EACCES; attempt++) {
        *err = ERR_NONE;
        char *login = authorization(task, refused, err);
        if (login == NULL) {
            return -err->code;
        }
        free(refused);
        refused = login;
        const char *headers[] = {login, json != NULL ? "Content-Type: application/json" : NULL,
                                 NULL};
        struct web_request request = {
            .method = method,
            .url = url,
            .headers = headers,
            .body = json != NULL ? str_text(json) : NULL,
            .body_length = json != NULL ? json->length : 0,
        };
        result = exchange(task, &request, answer, err);
        if (result == 0) {
            result = check_status(answer, err);
        }
    }
    return result;
}

/* ---- pictures ---- */

/* One picture to where the service wants it: its form fields as given, and the file. */
static int send_picture(struct task *task, json_t *target, const char *name, const struct str *jpeg,
                        struct err *err)
{
    static const char type[] = "image/jpeg";
    struct web_part parts[FIELDS_MAX + 2];
    size_t count = 0;
    const char *url = json_string_value(json_object_get(target, "url")), *key;
    json_t *fields = json_object_get(target, "fields"), *value;
    if (url == NULL || !json_is_object(fields) || json_object_size(fields) > FIELDS_MAX) {
        return err_set(err, EBADMSG, "%s: no url and fields to send it with", name);
    }
    json_object_foreach(fields, key, value)
    {
        if (json_is_string(value) && strcmp(key, "content-type") != 0) {
            parts[count++] = (struct web_part){
                .name = key, .data = json_string_value(value), .length = json_string_length(value)};
        }
    }
    parts[count++] =
        (struct web_part){.name = "content-type", .data = type, .length = strlen(type)};
    parts[count++] = (struct web_part){.name = "file",
                                       .file_name = "file",
                                       .type = type,
                                       .data = str_text(jpeg),
                                       .length = jpeg->length};
    AUTO_WEB_ANSWER struct web_answer answer = {0};
    struct web_request request = {
        .method = "POST", .url = url, .parts = parts, .part_count = count};
    int result = exchange(task, &request, &answer, err);
    if (result == 0) {
        result = check_status(&answer, err);
    }
    return result == 0 ? 0 : err_prefix(err, "%s", name);
}

static int create_image(struct task *task, const char *image_id, const char *camera,
                        struct err *err)
{
    AUTO_STR struct str body = {0};
    AUTO_WEB_ANSWER struct web_answer answer = {0};
    struct jout json = {.out = &body};
    jout_begin_object(&json);
    jout_put_string(&json, "id", image_id);
    jout_put_string(&json, "camera", camera);
    jout_end_object(&json);
    int result = call(task, "POST", "/v1/image/create", &body, &answer, err);
    return result == 0 ? 0 : err_prefix(err, "create");
}

static int send_all(struct task *task, json_t *targets, const char *camera,
                    const struct plus_pictures *pictures, struct str *image_id, struct err *err)
{
    const char *id = json_string_value(json_object_get(targets, "imageId"));
    if (id == NULL || *id == '\0') {
        return err_set(err, EBADMSG, "signed urls: the answer has no imageId");
    }
    for (size_t i = 0; i < PLUS_SIZES; i++) {
        int result = send_picture(task, json_object_get(targets, plus_sizes[i].name),
                                  plus_sizes[i].name, &pictures->jpeg[i], err);
        if (result < 0) {
            return result;
        }
    }
    int result = create_image(task, id, camera, err);
    if (result == 0) {
        str_add(image_id, id);
    }
    return result;
}

int plus_upload(struct plus *plus, const char *camera, const struct plus_pictures *pictures,
                struct str *image_id, struct err *err)
{
    AUTO_TASK struct task task = task_begin(plus);
    AUTO_WEB_ANSWER struct web_answer answer = {0};
    int result = call(&task, "GET", "/v1/image/signed_urls", NULL, &answer, err);
    if (result < 0) {
        return err_prefix(err, "signed urls");
    }
    json_t *targets = read_object(&answer, err);
    if (targets == NULL) {
        return err_prefix(err, "signed urls");
    }
    result = send_all(&task, targets, camera, pictures, image_id, err);
    json_decref(targets);
    return result;
}

/* ---- objects ---- */

static void put_numbers(struct jout *json, const char *const keys[4], const double values[4])
{
    for (size_t i = 0; i < 4; i++) {
        jout_put_double(json, keys[i], values[i]);
    }
}

static const char *const box_keys[] = {"x", "y", "w", "h"};
static const char *const region_keys[] = {"regionX", "regionY", "regionW", "regionH"};

/* Ids become part of an address. */
static bool is_plain(const char *id)
{
    return *id != '\0' && id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789-_.~")] == '\0';
}

/* PUT /v1/image/<id>/<what>. */
static int put_object(struct plus *plus, const char *image_id, const char *what,
                      const struct str *body, struct err *err)
{
    if (!is_plain(image_id)) {
        return err_set(err, EINVAL, "%s: \"%.40s\" is not an id", what, image_id);
    }
    AUTO_TASK struct task task = task_begin(plus);
    AUTO_WEB_ANSWER struct web_answer answer = {0};
    AUTO_FREE char *path = mem_printf("/v1/image/%s/%s", image_id, what);
    int result = call(&task, "PUT", path, body, &answer, err);
    return result == 0 ? 0 : err_prefix(err, "%s", what);
}

int plus_annotate(struct plus *plus, const char *image_id, const struct plus_object *object,
                  struct err *err)
{
    AUTO_STR struct str body = {0};
    struct jout json = {.out = &body};
    jout_begin_object(&json);
    jout_put_string(&json, "label", object->label);
    put_numbers(&json, box_keys, object->box);
    jout_put_bool(&json, "difficult", false);
    jout_end_object(&json);
    return put_object(plus, image_id, "annotation", &body, err);
}

int plus_false_positive(struct plus *plus, const char *image_id, const struct plus_object *object,
                        struct err *err)
{
    AUTO_STR struct str body = {0};
    struct jout json = {.out = &body};
    jout_begin_object(&json);
    jout_put_string(&json, "label", object->label);
    put_numbers(&json, box_keys, object->box);
    put_numbers(&json, region_keys, object->region);
    jout_put_double(&json, "score", object->score);
    jout_put_string(&json, "model_hash", object->model_hash);
    jout_put_string(&json, "model_type", object->model_type);
    jout_put_string(&json, "detector_type", object->detector_type);
    jout_end_object(&json);
    return put_object(plus, image_id, "false_positive", &body, err);
}
