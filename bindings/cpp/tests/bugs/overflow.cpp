/* Deliberately wrong: overflows a sum. UndefinedBehaviorSanitizer must abort the program. */
#include <limits>

int main(int argc, char **) {
    const int sum = std::numeric_limits<int>::max() - 1 + argc * 2;
    return sum == 0 ? 2 : 0;
}
