#include "folder.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"

void folder_make(char path[FOLDER_PATH])
{
    const char *base = getenv("TMPDIR");
    snprintf(path, FOLDER_PATH, "%s/corvette-test-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    return remove(path);
}

void folder_remove(const char *path)
{
    assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *wanted;
static int found;

static int count_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    found += flag == FTW_F && str_ends(path, wanted);
    return 0;
}

int folder_count(const char *path, const char *suffix)
{
    wanted = suffix;
    found = 0;
    assert_int_equal(nftw(path, count_one, 16, FTW_PHYS), 0);
    return found;
}
