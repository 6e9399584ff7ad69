#include "greet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *greet(const char *name)
{
    size_t size = strlen("Hello from ") + strlen(name) + 1;
    char *text = malloc(size);
    if (text != NULL)
        snprintf(text, size, "Hello from %s", name);
    return text;
}
