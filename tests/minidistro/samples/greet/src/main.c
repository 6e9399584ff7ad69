#include <greet.h>

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char *text = greet("Coppice");
    if (text == NULL)
        return 1;
    puts(text);
    free(text);
    return 0;
}
