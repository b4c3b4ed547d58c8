#include "footage/place.h"

#include <math.h>
#include <string.h>

#include "base/scan.h"
#include "base/str.h"

const char *place_relative(const char *canonical)
{
    const char *relative = canonical;
    bool good = scan_text(&relative, PLACE_CANONICAL) && relative[0] != '\0' &&
                relative[0] != '.' && relative[0] != '/' && strstr(relative, "/.") == NULL &&
                strstr(relative, "//") == NULL;
    return good ? relative : NULL;
}

bool place_is_segment(const char *relative, const char *camera)
{
    int ignored;
    const char *at = relative;
    if (!scan_text(&at, "recordings/") || !scan_digits(&at, 4, &ignored) || !scan_text(&at, "-") ||
        !scan_digits(&at, 2, &ignored) || !scan_text(&at, "-") || !scan_digits(&at, 2, &ignored) ||
        !scan_text(&at, "/") || !scan_digits(&at, 2, &ignored) || !scan_text(&at, "/") ||
        !scan_text(&at, camera) || !scan_text(&at, "/")) {
        return false;
    }
    return at[0] != '.' && strchr(at, '/') == NULL && str_ends(at, ".mp4");
}

double place_mib(uint64_t bytes)
{
    return round((double)bytes / (1 << 20) * 10) / 10;
}
