/* A Python interpreter with the runtime of a sanitizer. A shared library with the sanitizer does not contain the runtime. */
#include <Python.h>

int main(int count, char **arguments)
{
    return Py_BytesMain(count, arguments);
}
