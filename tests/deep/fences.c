/* Linked into what ThreadSanitizer checks. It does not know fences, with which Arc orders its last release before the drop:
 * a subtraction that releases acquires too, here, and takes the place of the fence after it.
 * The linker puts this in between (--wrap=__tsan_atomic64_fetch_sub).
 */
#include <stdint.h>

enum { RELEASE = 3, ACQUIRE_AND_RELEASE = 4 };

uint64_t __real___tsan_atomic64_fetch_sub(volatile uint64_t *at, uint64_t by, int order);

uint64_t __wrap___tsan_atomic64_fetch_sub(volatile uint64_t *at, uint64_t by, int order)
{
    return __real___tsan_atomic64_fetch_sub(at, by, order == RELEASE ? ACQUIRE_AND_RELEASE : order);
}
