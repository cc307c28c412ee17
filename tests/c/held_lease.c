/* Leases of the program's own. */
#include "support.h"
#include "tests.h"

void lease_is_obtained_renewed_and_released(void)
{
    bool held = false;
    postbox_held_lease *lease = NULL, *other = NULL;
    postbox_client *box = open_memory(NULL);
    OK(postbox_obtain_lease(box, "report", 60000, &lease));
    EQUAL(postbox_held_lease_resource(lease), "brighter_outbox_report");
    CHECK(postbox_held_lease_is_held(lease));
    OK(postbox_held_lease_renew(lease, &held));
    CHECK(held);
    OK(postbox_obtain_lease(box, "report", 60000, &other));
    CHECK(other == NULL);
    OK(postbox_held_lease_release(lease));
    OK(postbox_held_lease_release(lease));
    CHECK(!postbox_held_lease_is_held(lease));
    OK(postbox_held_lease_renew(lease, &held));
    CHECK(!held);
    OK(postbox_obtain_lease(box, "report", 60000, &other));
    CHECK(other != NULL);
    postbox_held_lease_free(lease);
    CHECK(postbox_held_lease_is_held(other));
    /* Freeing a lease releases it. */
    postbox_held_lease_free(other);
    OK(postbox_obtain_lease(box, "report", 1000, &lease));
    CHECK(lease != NULL);
    /* A lease may be freed after its client. */
    postbox_free(box);
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_held_lease_renew(lease, &held));
    postbox_held_lease_free(lease);
}

void lost_lease_is_reported(void)
{
    bool held = true;
    postbox_held_lease *lease = NULL;
    postbox_client *box = open_memory(NULL);
    OK(postbox_obtain_lease(box, "report", 60000, &lease));
    OK(postbox_embedded_execute(box, "PutItem",
                                "{\"TableName\":\"brighter_distributed_lock\",\"Item\":{\"ResourceId\":{\"S\":\"brighter_outbox_report\"},"
                                "\"LockId\":{\"S\":\"them\"},\"LeaseExpiry\":{\"N\":\"99999999999999\"}}}",
                                NULL));
    OK(postbox_held_lease_renew(lease, &held));
    CHECK(!held && !postbox_held_lease_is_held(lease));
    postbox_held_lease_free(lease);
    postbox_free(box);
}

void impossible_lease_is_rejected(void)
{
    static const uint64_t lengths[] = {0, 999, 3600001, UINT64_MAX};
    postbox_held_lease *lease = NULL;
    postbox_client *box = open_memory(NULL);
    for (size_t i = 0; i < COUNT(lengths); i++)
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "1000 to 3600000 ms", postbox_obtain_lease(box, "x", lengths[i], &lease));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "has 0 bytes", postbox_obtain_lease(box, "", 60000, &lease));
    OK(postbox_close(box));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", postbox_obtain_lease(box, "x", 60000, &lease));
    CHECK(lease == NULL);
    postbox_free(box);
}
