/* Allocation that cannot fail: out of memory aborts, the supervisor recovers a worker. */
#ifndef CORVETTE_BASE_MEM_H
#define CORVETTE_BASE_MEM_H

#include <stddef.h>
#include <string.h>

void *mem_alloc(size_t bytes);               /* zeroed */
void *mem_array(size_t count, size_t bytes); /* zeroed, overflow-checked */
void *mem_grow(void *array, size_t count,
               size_t bytes); /* realloc, overflow-checked, new part not zeroed */
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t length);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *mem_dup(const void *data, size_t bytes);

/* Appends room for one element to a (pointer, count, capacity) triple and evaluates to its address,
 * zeroed. */
#define MEM_PUSH(array, count, capacity)                                                 \
    (((count) == (capacity) ? ((capacity) = (capacity) ? (capacity)*2 : 8,               \
                               (array) = mem_grow((array), (capacity), sizeof *(array))) \
                            : (array)),                                                  \
     memset(&(array)[(count)], 0, sizeof *(array)), &(array)[(count)++])

#endif
