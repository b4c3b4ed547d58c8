/* Scope-bound release of what a function holds, and `steal` to hand it to someone else. */
#ifndef CORVETTE_BASE_CLEANUP_H
#define CORVETTE_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
    void **p = (void **)pointer;
    free(*p);
}

static inline void cleanup_close(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static inline void cleanup_fclose(FILE **file)
{
    if (*file != NULL) {
        fclose(*file);
    }
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO_CLOSE __attribute__((cleanup(cleanup_close)))
#define AUTO_FCLOSE __attribute__((cleanup(cleanup_fclose)))

static inline int steal_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* void * on purpose: the caller's type takes it. */
static inline void *steal_ptr(void *pointer)
{
    void **p = (void **)pointer;
    void *taken = *p;
    *p = NULL;
    return taken;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
