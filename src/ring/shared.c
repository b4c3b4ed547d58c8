#include "ring/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

void *shared_map(int memfd, bool writable, size_t least_bytes, size_t *bytes)
{
    /* Without these seals the other side could shrink the file and have us killed by SIGBUS. */
    const int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    int seals = fcntl(memfd, F_GET_SEALS);
    if (seals < 0) {
        return NULL;
    }
    struct stat st;
    if (fstat(memfd, &st) < 0) {
        return NULL;
    }
    if ((seals & needed) != needed || st.st_size < 0 || (uint64_t)st.st_size < least_bytes) {
        errno = EINVAL;
        return NULL;
    }
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *memory = mmap(NULL, (size_t)st.st_size, protection, MAP_SHARED, memfd, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    *bytes = (size_t)st.st_size;
    return memory;
}
