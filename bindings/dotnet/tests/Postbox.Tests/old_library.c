/* A library with the version VERSION and no other function. */
const char *postbox_version(void);

const char *postbox_version(void)
{
    return VERSION;
}
