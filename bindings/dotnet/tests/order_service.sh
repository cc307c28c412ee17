#!/usr/bin/env bash
# Kills, stops and restarts the service examples/dotnet/OrderService for some time, and checks the promise of the outbox:
#
#     bindings/dotnet/tests/order_service.sh SECONDS
#
# run_tests.sh does the same for a shorter time.
. "$(dirname "$0")/../../../tests/lib.sh"
use_libraries

sdk=$("$root/tools/dotnet_sdk.sh") || exit 1
export PostboxFrameworks="netstandard2.1;netcoreapp3.1" PostboxOutput=$work/built DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
export JsonNet=/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll
export POSTBOX_ORDER_SECONDS=$1 POSTBOX_TEST_HOST="$sdk/dotnet exec"

tests=Postbox.Extensions.Tests
"$sdk/build" "$root/bindings/dotnet/tests/$tests" &&
    "$sdk/dotnet" exec "$work/built/bin/$tests/Debug/netcoreapp3.1/$tests.dll" OrderServiceTests
