#include "config/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "config/config.h"

bool cfg_looks_secret(const char *name)
{
    static const char *const parts[] = {"pass",   "pwd",  "secret", "token",
                                        "apikey", "_key", "-key",   "credential"};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (strcasestr(name, parts[i]) != NULL) {
            return true;
        }
    }
    return strcasecmp(name, "key") == 0 || strcasecmp(name, "auth") == 0;
}

static bool is_blank(char c)
{
    return isspace((unsigned char)c) != 0;
}

/* After "://": where the credentials end, at the last '@' before a blank, or NULL without a
 * password. Passwords may hold any of "/?#@", so the last '@' is the safe end. */
static const char *credentials_end(const char *start)
{
    const char *at = NULL, *colon = NULL;
    size_t name = strcspn(start, ":/?@"), port = name + 1;
    if (start[name] == ':' && memchr(start, '.', name) != NULL) {
        port += strspn(start + port, "0123456789");
        if (start[port] == '/' && port <= name + 6) {
            return NULL; /* a host and its port */
        }
    }
    for (const char *p = start; *p != '\0' && !is_blank(*p); p++) {
        if (*p == ':' && colon == NULL && at == NULL) {
            colon = p;
        } else if ((*p == '/' || *p == '?') && colon == NULL) {
            return NULL; /* the host is over: what follows is a path */
        } else if (*p == '@') {
            at = p;
        }
    }
    return colon != NULL && at != NULL && colon < at ? at : NULL;
}

/* At the start of a query parameter that holds a secret: the length of "name=", or 0. */
static size_t secret_parameter(const char *text, bool *is_user)
{
    static const struct {
        const char *name;
        bool is_user;
    } names[] = {{"user=", true},     {"username=", true}, {"usr=", true},    {"password=", false},
                 {"pass=", false},    {"passwd=", false},  {"pwd=", false},   {"token=", false},
                 {"api_key=", false}, {"apikey=", false},  {"secret=", false}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t length = strlen(names[i].name);
        if (strncasecmp(text, names[i].name, length) == 0) {
            *is_user = names[i].is_user;
            return length;
        }
    }
    return 0;
}

static size_t value_length(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0' && text[length] != '&' && text[length] != '#' &&
           !is_blank(text[length])) {
        length++;
    }
    return length;
}

/* "user=..&password=.." is masked to the end of the word, as the peer does: a password written
 * there may hold a '&'. Other secrets end at the next parameter. Returns what is consumed. */
static size_t mask_parameter(const char *text, struct str *out)
{
    bool is_user;
    size_t name = secret_parameter(text, &is_user);
    if (name == 0) {
        return 0;
    }
    size_t value = value_length(text + name);
    bool password_next = strncasecmp(text + name + value, "&password=", 10) == 0;
    if (is_user && !password_next) {
        return 0; /* a user alone is no secret */
    }
    str_add_bytes(out, text, name);
    str_add_char(out, '*');
    if (!password_next) {
        return name + value;
    }
    str_add_bytes(out, text + name + value, 10);
    str_add_char(out, '*');
    size_t used = name + value + 10;
    while (text[used] != '\0' && !is_blank(text[used])) {
        used++;
    }
    return used;
}

void config_mask_url(const char *url, struct str *out)
{
    char before = '?';
    while (*url != '\0') {
        const char *end = strncmp(url, "://", 3) == 0 ? credentials_end(url + 3) : NULL;
        if (end != NULL) {
            str_add(out, "://*:*@");
            url = end + 1;
            before = '@';
            continue;
        }
        size_t used = strchr("?&;#", before) != NULL ? mask_parameter(url, out) : 0;
        if (used > 0) {
            url += used;
            before = '*';
            continue;
        }
        before = *url;
        str_add_char(out, *url++);
    }
}
