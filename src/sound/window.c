#include "sound/window.h"

#include <string.h>

/* Skips what was overwritten. */
static void catch_up(struct window *window, uint64_t oldest)
{
    if (window->next != 0 && window->next < oldest) {
        window->lost += oldest - window->next;
        window->half = false;
    }
    if (window->next < oldest) {
        window->next = oldest;
    }
}

bool window_next(struct window *window, const struct sounds *sounds)
{
    int16_t *second = window->samples + SOUNDS_HOP;
    /* Whatever the ring claims to hold, it is once around at most. */
    for (int hops = 0; hops < SOUNDS_SLOTS; hops++) {
        catch_up(window, sounds_oldest(sounds));
        if (window->next > sounds_latest(sounds)) {
            return false;
        }
        memcpy(window->samples, second, SOUNDS_HOP * sizeof *second);
        struct sounds_info info;
        bool read = sounds_copy(sounds, window->next, second, &info) == 0;
        bool whole = read && window->half && info.joined;
        window->half = read;
        window->lost += !read;
        window->next++;
        if (whole) {
            window->start = info.time - (double)SOUNDS_HOP / SOUNDS_RATE;
            return true;
        }
    }
    return false;
}
