namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>A connection that storage pools tell of themselves over.</summary>
internal sealed unsafe class LibvirtStorageEvents : ILibvirtWatch
{
    private readonly LibvirtSession _session;
    private readonly int _callback;

    private LibvirtStorageEvents(LibvirtSession session)
    {
        _session = session;
        try
        {
            Version = session.ReadVersion();
            _callback = LibvirtStorageNative.virConnectStoragePoolEventRegisterAny(
                session.Handle, 0, LibvirtStorageNative.EventLifecycle, &LibvirtEventLoop.OnPoolLifecycle, session.Token, 0);
            LibvirtError.ThrowIfNegative(_callback, "subscribe to events of storage pools");
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    public string Version { get; }

    /// <exception cref="HypervisorException">It does not answer or refuses.</exception>
    internal static LibvirtStorageEvents Open(LibvirtOptions options, ILibvirtListener listener) =>
        new(LibvirtSession.Open(options, listener));

    public void Dispose()
    {
        // Nothing comes from here on, even before libvirt has been told.
        LibvirtEventLoop.Remove(_session.Token);
        if (!_session.Handle.IsClosed)
            _ = LibvirtStorageNative.virConnectStoragePoolEventDeregisterAny(_session.Handle, _callback);
        _session.Dispose();
    }
}
