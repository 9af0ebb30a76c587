using NUnit.Framework;
using PonyCloud.TestKit.Messaging;

namespace PonyCloud.Shared.Tests.Messaging;

[TestFixture]
public sealed class ZeroMqTransportTests : TransportContract
{
    protected override ITransportNetwork OpenNetwork() => new EphemeralZeroMqNetwork
    {
        Adjust = options => options with
        {
            SendHighWaterMark = 100,
            ReceiveHighWaterMark = 100,
            EventCapacity = 100,
            OutgoingCapacity = 100,
        },
    };
}
