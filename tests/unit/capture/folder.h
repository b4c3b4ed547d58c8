/* A temporary folder, gone with everything in it afterwards. */
#ifndef CORVETTE_TESTS_FOLDER_H
#define CORVETTE_TESTS_FOLDER_H

#define FOLDER_PATH 256

void folder_make(char path[FOLDER_PATH]);
void folder_remove(const char *path);
/* Files below it whose name ends so. */
int folder_count(const char *path, const char *suffix);

#endif
