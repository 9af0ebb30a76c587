namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>A connection that domains tell of themselves over.</summary>
internal sealed unsafe class LibvirtDomainEvents : ILibvirtWatch
{
    private readonly LibvirtSession _session;
    private readonly List<int> _callbacks = [];

    private LibvirtDomainEvents(LibvirtSession session)
    {
        _session = session;
        try
        {
            Version = session.ReadVersion();
            Subscribe(LibvirtNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtNative.EventLifecycle, &LibvirtEventLoop.OnLifecycle, session.Token, 0));
            Subscribe(LibvirtLifeNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtLifeNative.EventReboot, &LibvirtEventLoop.OnReboot, session.Token, 0));
            Subscribe(LibvirtLifeNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtLifeNative.EventWatchdog, &LibvirtEventLoop.OnWatchdog, session.Token, 0));
            Subscribe(LibvirtLifeNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtLifeNative.EventIoErrorReason, &LibvirtEventLoop.OnIoError, session.Token, 0));
            Subscribe(LibvirtLifeNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtLifeNative.EventBalloonChange, &LibvirtEventLoop.OnBalloon, session.Token, 0));
            Subscribe(LibvirtNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtNative.EventAgentLifecycle, &LibvirtEventLoop.OnAgent, session.Token, 0));
            Subscribe(LibvirtNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtNative.EventDeviceAdded, &LibvirtEventLoop.OnDeviceAdded, session.Token, 0));
            Subscribe(LibvirtNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtNative.EventDeviceRemoved, &LibvirtEventLoop.OnDeviceRemoved, session.Token, 0));
            Subscribe(LibvirtNative.virConnectDomainEventRegisterAny(
                session.Handle, 0, LibvirtNative.EventDeviceRemovalFailed, &LibvirtEventLoop.OnDeviceRemovalFailed, session.Token, 0));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Version { get; } = "";

    /// <exception cref="HypervisorException">It does not answer or refuses.</exception>
    internal static LibvirtDomainEvents Open(LibvirtOptions options, ILibvirtListener listener) =>
        new(LibvirtSession.Open(options, listener));

    public void Dispose()
    {
        // Nothing comes from here on, even before libvirt has been told.
        LibvirtEventLoop.Remove(_session.Token);
        foreach (var callback in _callbacks.TakeWhile(_ => !_session.Handle.IsClosed))
            _ = LibvirtNative.virConnectDomainEventDeregisterAny(_session.Handle, callback);
        _session.Dispose();
    }

    private void Subscribe(int callback)
    {
        LibvirtError.ThrowIfNegative(callback, "subscribe to events");
        _callbacks.Add(callback);
    }
}
