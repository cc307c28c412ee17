/* A library that is too old, as far as its version tells. */
const char *postbox_version(void);

const char *postbox_version(void)
{
    return "0.0.9";
}
