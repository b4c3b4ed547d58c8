/* Intrusive doubly linked list with a sentinel head. */
#ifndef CORVETTE_BASE_LIST_H
#define CORVETTE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}
static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_append(struct list *head, struct list *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

static inline void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->next = item->prev = item;
}

#define list_entry(item, type, member) ((type *)(void *)((char *)(item)-offsetof(type, member)))
/* Declares `entry`; the current one may be removed in the body. */
#define list_for_each(type, entry, head, member)                            \
    for (type *entry = list_entry((head)->next, type, member),              \
              *entry##_next = list_entry(entry->member.next, type, member); \
         &entry->member != (head);                                          \
         entry = entry##_next, entry##_next = list_entry(entry->member.next, type, member))

#endif
