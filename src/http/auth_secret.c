#include "http/auth_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/password.h"

#define NAME "/.jwt_secret"
#define FILE_MAX (64u << 10)
#define RECOMMENDED 64 /* characters, as Frigate says */

const struct auth_places auth_places = {
    .variable = "FRIGATE_JWT_SECRET",
    .secrets_dir = "/run/secrets",
    .options_file = "/data/options.json",
};

/* Without blanks around; NULL when nothing is left. */
static char *stripped(const char *text)
{
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL) {
        length--;
    }
    return length > 0 ? mem_strndup(text, length) : NULL;
}

static char *from_file(const char *path)
{
    AUTO_STR struct str text = {0};
    return str_read_file(&text, path, FILE_MAX) == 0 ? stripped(str_text(&text)) : NULL;
}

static char *from_options(const char *path)
{
    AUTO_STR struct str text = {0};
    if (str_read_file(&text, path, FILE_MAX) != 0) {
        return NULL;
    }
    json_t *options = json_loadb(str_text(&text), text.length, 0, NULL);
    const char *value = json_string_value(json_object_get(options, "jwt_secret"));
    char *secret = value != NULL ? stripped(value) : NULL;
    json_decref(options);
    return secret;
}

/* Only the owner may read it. 0 or -errno; an existing file is left alone. */
static int keep(const char *path, const char *secret)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int result = fd < 0 ? -errno : file_write_all(fd, secret, strlen(secret));
    if (fd >= 0 && result == 0) {
        result = fsync(fd) == 0 ? 0 : -errno;
    }
    if (fd >= 0 && result < 0) {
        unlink(path);
    }
    return result;
}

static char *make(char *const paths[2], struct err *err)
{
    AUTO_STR struct str secret = {0};
    for (int i = 0; i < 4; i++) {
        char part[33];
        password_random(part);
        str_add(&secret, part);
    }
    int result = -EINVAL;
    for (int i = 0; i < 2; i++) {
        result = keep(paths[i], str_text(&secret));
        if (result == 0) {
            log_info("sessions are signed with a new secret, kept in %s", paths[i]);
            return str_steal(&secret);
        }
    }
    err_set(err, -result, "the secret of sessions cannot be kept in %s: %s", paths[1],
            err_name(result));
    return NULL;
}

char *auth_secret(const struct auth_places *places, const char *config_path, const char *data_dir,
                  struct err *err)
{
    const char *slash = strrchr(config_path, '/');
    AUTO_FREE char *beside = slash != NULL
                                 ? mem_printf("%.*s" NAME, (int)(slash - config_path), config_path)
                                 : mem_strdup("." NAME);
    AUTO_FREE char *in_data = mem_printf("%s" NAME, data_dir);
    AUTO_FREE char *given = mem_printf("%s/%s", places->secrets_dir, places->variable);
    const char *variable = getenv(places->variable);
    char *secret = variable != NULL ? stripped(variable) : NULL;
    secret = secret != NULL ? secret : from_file(given);
    secret = secret != NULL ? secret : from_options(places->options_file);
    secret = secret != NULL ? secret : from_file(beside);
    secret = secret != NULL ? secret : from_file(in_data);
    secret = secret != NULL ? secret : make((char *const[]){beside, in_data}, err);
    if (secret != NULL && strlen(secret) < RECOMMENDED) {
        log_warning("the secret of sessions should have %d characters or more", RECOMMENDED);
    }
    return secret;
}
