#ifndef GREET_H
#define GREET_H

/* The greeting for a name; the caller frees it. NULL if there is no memory. */
char *greet(const char *name);

#endif
