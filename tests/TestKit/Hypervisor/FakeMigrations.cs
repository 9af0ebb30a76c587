using System.Xml.Linq;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.TestKit.Hypervisor;

/// <summary>Ways in and out that need no door: what is sent arrives at the peer of the hypervisor.</summary>
public sealed class FakeMigrations(IHypervisor hypervisor) : IInstanceMigrations
{
    private readonly Lock _gate = new();
    private Dictionary<Guid, string> _expected = [];
    private HashSet<Guid> _readable = [];
    private HashSet<Guid> _read = [];

    public event Action? Changed;

    /// <summary>Instances that are to come here, with the definitions that this host would make.</summary>
    public IReadOnlyDictionary<Guid, string> Expected
    {
        get
        {
            lock (_gate)
                return _expected;
        }
    }

    /// <summary>Instances whose volumes may be read.</summary>
    public IReadOnlySet<Guid> Readable
    {
        get
        {
            lock (_gate)
                return _readable.ToHashSet();
        }
    }

    /// <summary>Instances that somebody reads, which does not end with being cut.</summary>
    public void Read(params Guid[] instances)
    {
        lock (_gate)
            _read = [.. instances];
        Changed?.Invoke();
    }

    public MigrationView Of(Guid instance)
    {
        lock (_gate)
        {
            return new MigrationView(_expected.ContainsKey(instance) ? $"ticket of {instance}" : null)
            {
                ReadTicket = _readable.Contains(instance) ? $"ticket to read {instance}" : null,
                IsRead = _read.Contains(instance),
            };
        }
    }

    public void LetRead(IReadOnlySet<Guid> instances)
    {
        lock (_gate)
        {
            if (_readable.SetEquals(instances))
                return;
            _readable = instances.ToHashSet();
        }
        Changed?.Invoke();
    }

    public void Expect(IReadOnlyDictionary<Guid, string> definitions)
    {
        lock (_gate)
            _expected = definitions.ToDictionary();
    }

    public async Task SendAsync(MigrationOrder order, CancellationToken cancellationToken)
    {
        var copy = XElement.Parse(await hypervisor.GetLiveXmlAsync(order.Instance, cancellationToken));
        var element = copy.Element("metadata")!.Elements().First(element => element.Name.NamespaceName == DomainMetadata.Namespace);
        var mark = DomainMetadata.Parse(element.ToString())!;
        element.ReplaceWith((mark with { Arriving = order.Peer }).ToXml());
        await hypervisor.SetMarkAsync(mark with { Leaving = order.Peer }, cancellationToken);
        Changed?.Invoke();
        await hypervisor.MigrateAsync(order.Instance, new MigrationTarget("/hypervisor", "/memory", copy.ToString()), cancellationToken);
    }
}
