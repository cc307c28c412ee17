using System;
using System.Collections.Generic;

namespace Postbox.Extensions.Hosting
{
    /// <summary>The name of a client that was added to the services.</summary>
    internal sealed class ClientName
    {
        internal ClientName(string name)
        {
            Value = name;
        }

        internal string Value { get; }
    }

    /// <summary>Everything that a builder configures, beside the options. The instances are named options.</summary>
    internal sealed class ClientSetup
    {
        /// <summary>The changes to the configuration of the client, in the order of the calls of the builder.</summary>
        internal List<Action<IServiceProvider, PostboxConfig>> Changes { get; } = new List<Action<IServiceProvider, PostboxConfig>>();

        /// <summary>Whether the host runs the sweeper.</summary>
        internal bool Sweeps { get; set; }

        /// <summary>Starts the archiver. Null if the host does not run one.</summary>
        internal Action<IServiceProvider, PostboxClient>? StartArchiver { get; set; }
    }
}
