/* Leases of the program's own. */
#include "support.hpp"

using std::chrono::minutes;

TEST(lease_is_obtained_renewed_and_released) {
    postbox::client box = open_memory();
    {
        std::optional<postbox::held_lease> lease = box.obtain_lease("report", minutes(1));
        CHECK(lease && lease->resource() == "brighter_outbox_report" && lease->is_held() && lease->renew());
        CHECK(!box.obtain_lease("report", minutes(1)));
    }
    std::optional<postbox::held_lease> lease = box.obtain_lease("report", minutes(1));
    CHECK(lease.has_value());
    postbox::held_lease moved = std::move(*lease);
    CHECK(moved.is_held() && !lease->is_held());
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "lease", static_cast<void>(lease->renew()));
    moved.release();
    CHECK(!moved.is_held() && !moved.renew());
    CHECK(box.obtain_lease("report", minutes(1)).has_value());
}

TEST(lost_lease_is_reported) {
    postbox::client box = open_memory();
    std::optional<postbox::held_lease> lease = box.obtain_lease("report", minutes(1));
    box.embedded_execute("PutItem", R"({"TableName":"brighter_distributed_lock","Item":{"ResourceId":
        {"S":"brighter_outbox_report"},"LockId":{"S":"them"},"LeaseExpiry":{"N":"99999999999999"}}})");
    CHECK(!lease->renew() && !lease->is_held());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "is 0 ms", box.obtain_lease("x", minutes(-1)));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "has 0 bytes", box.obtain_lease("", minutes(1)));
}
