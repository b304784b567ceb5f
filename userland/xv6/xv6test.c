#include "ulib.h"
int main(void)
{
    printf("test\n");
    exit(3);
}
