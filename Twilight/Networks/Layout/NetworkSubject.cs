namespace PonyCloud.Twilight.Networks.Layout;

/// <summary>What a link serves, and so whose row says how it is.</summary>
public abstract record NetworkSubject
{
    private NetworkSubject()
    {
    }

    public sealed record Nic(string Hwaddr) : NetworkSubject;

    public sealed record Bond(Guid Uuid) : NetworkSubject;

    public sealed record Role(Guid Uuid) : NetworkSubject;

    public sealed record Vlan(Guid OnBond, int Tag) : NetworkSubject;

    public sealed record Switch(Guid Uuid) : NetworkSubject;

    public sealed record Vnic(Guid Uuid) : NetworkSubject;
}
