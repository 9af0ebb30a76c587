using NUnit.Framework;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Messaging;

namespace PonyCloud.Shared.Tests.Messaging;

/// <summary>In clear text, and with peers that prove who they are.</summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class ZeroMqTransportTests(bool authenticates) : TransportContract
{
    private readonly CurveKeys _keys = CurveKeys.Generate();

    protected override ITransportNetwork OpenNetwork() => new EphemeralZeroMqNetwork
    {
        Adjust = options => options with
        {
            SendHighWaterMark = 100,
            ReceiveHighWaterMark = 100,
            EventCapacity = 100,
            OutgoingCapacity = 100,
            Curve = authenticates ? CurveOf(options.Role) : null,
        },
    };

    private ZeroMqCurve CurveOf(ZeroMqRole role) => role == ZeroMqRole.Bind
        ? new ZeroMqCurve.Server(_keys)
        : new ZeroMqCurve.Client(CurveKeys.Generate(), _keys.PublicKey);
}
