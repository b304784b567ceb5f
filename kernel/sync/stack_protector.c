// The stack protector's guard and what happens when a frame's copy of it was overwritten. The guard
// has a fixed odd value until boot seeds it; its lowest byte is zero, so that string functions
// cannot write it.
#include <sync/log.h>

// The compiler names these.
extern u64 __stack_chk_guard;
[[noreturn]] void __stack_chk_fail(void);

u64 __stack_chk_guard = 0x6a09'e667'f3bc'c900ul;

[[gnu::no_stack_protector]] void stack_protector_seed(u64 random)
{
    __stack_chk_guard = random & ~0xfful;
}

void __stack_chk_fail(void)
{
    panic("BUG: stack frame overwritten in the caller of %p", __builtin_return_address(0));
}
