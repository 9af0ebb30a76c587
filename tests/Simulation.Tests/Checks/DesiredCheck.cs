using System.Text;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Simulation.Tests.Kernel;
using PonyCloud.Simulation.Tests.Parts;

namespace PonyCloud.Simulation.Tests.Checks;

/// <summary>
/// The orders on their way: Sparkle's memory is always one committed state, moving forward (D1 to D3), and a host's
/// replica is always exactly what one such state means for it, moving forward too (I1 to I3).
/// </summary>
internal sealed class DesiredCheck(World world)
{
    private readonly Dictionary<Machine, List<(int Version, Dictionary<(Entity Entity, RowKey Key), object> Rows)>> _meant = [];
    private readonly Dictionary<Machine, int> _held = [];
    private readonly Dictionary<string, int> _incarnations = new(StringComparer.Ordinal);
    private readonly Dictionary<Machine, int> _newest = [];
    private SparkleProcess? _sparkle;
    private StateSnapshot? _published;
    private int _version;

    /// <summary>Every desired row that a host is to have, worked out without the product's help.</summary>
    public static Dictionary<(Entity Entity, RowKey Key), object> Meant(EntityCatalog catalog, StateSnapshot state, Guid host)
    {
        var rows = new Dictionary<(Entity, RowKey), object>();
        Add(catalog["host"], RowKey.Of(host));
        foreach (var place in state[catalog["host_instance"]].Rows)
        {
            if (place.Desired is not HostInstanceDesired desired || desired.Host != host)
                continue;
            Add(catalog["host_instance"], place.Key);
            if (Add(catalog["instance"], RowKey.Of(desired.Instance)) is InstanceDesired { CpuProfile: { } profile })
                Add(catalog["cpu_profile"], RowKey.Of(profile));
        }
        return rows;

        object? Add(Entity entity, RowKey key)
        {
            if (state[entity].Find(key)?.Desired is not { } row)
                return null;
            rows[(entity, key)] = row;
            return row;
        }
    }

    public static Dictionary<(Entity Entity, RowKey Key), object> Held(EntityCatalog catalog, StateSnapshot replica) => catalog.All
        .SelectMany(entity => replica[entity].Rows.Where(row => row.Desired is not null).Select(row => (Entity: entity, Row: row)))
        .ToDictionary(pair => (pair.Entity, pair.Row.Key), pair => pair.Row.Desired!);

    public static bool AreSame(Dictionary<(Entity Entity, RowKey Key), object> one, Dictionary<(Entity Entity, RowKey Key), object> other) =>
        one.Count == other.Count && one.All(row => other.TryGetValue(row.Key, out var value) && value.Equals(row.Value));

    public void AfterStep()
    {
        if (world.Sparkle is not { } sparkle)
            return;
        var published = sparkle.Snapshot;
        if (sparkle != _sparkle)
        {
            _sparkle = sparkle;
            _published = null;
        }
        if (ReferenceEquals(published, _published))
        {
            if (published is not null && sparkle.Link.Version != _version)
                Compare(sparkle, published);
            return;
        }
        _published = published;
        if (!sparkle.Link.IsLoaded)
            throw new ViolationException("D1: Sparkle shows a state before the database was loaded.");
        Compare(sparkle, published!);
    }

    public void ReplicaChanged(Machine machine, StateSnapshot replica, byte[] body)
    {
        var held = Held(world.Catalog, replica);
        var meant = MeantOf(machine);
        var last = _held.GetValueOrDefault(machine);
        for (var i = last; i < meant.Count; i++)
        {
            if (!AreSame(held, meant[i].Rows))
                continue;
            _held[machine] = i;
            machine.Obeys(meant[i].Version);
            CheckIncarnation(machine, body);
            return;
        }
        var newest = meant[^1].Rows;
        throw new ViolationException(
            $"I1-I3: {machine.Name} holds desired rows that Sparkle never meant it to have at or after what it had (version "
            + $"{meant[last].Version}). Against version {meant[^1].Version} it has {Rows(held, newest)} and lacks {Rows(newest, held)}.");
    }

    /// <summary>Sparkle says something, perhaps for the first time under this incarnation.</summary>
    public void Sent(byte[] body)
    {
        if (IncarnationOf(body) is { } incarnation)
            _incarnations.TryAdd(incarnation, _incarnations.Count);
    }

    /// <summary>Sessions are numbered by when Sparkle first spoke in them; messages of one session bear one incarnation.</summary>
    private void CheckIncarnation(Machine machine, byte[] body)
    {
        var incarnation = IncarnationOf(body) ?? throw new ViolationException($"{machine.Name} took rows of no incarnation.");
        var number = _incarnations.GetValueOrDefault(incarnation, -1);
        if (number < _newest.GetValueOrDefault(machine, -1))
            throw new ViolationException($"I3: {machine.Name} took rows of incarnation {incarnation} after rows of a newer one.");
        _newest[machine] = number;
    }

    private static string Rows(Dictionary<(Entity, RowKey), object> these, Dictionary<(Entity, RowKey), object> without) =>
        $"[{string.Join(", ", these.Where(row => !row.Value.Equals(without.GetValueOrDefault(row.Key))).Select(row => row.Value))}]";

    private static string? IncarnationOf(ReadOnlySpan<byte> body)
    {
        var name = "\"incarnation\":\""u8;
        var start = body.IndexOf(name);
        if (start < 0)
            return null;
        var rest = body[(start + name.Length)..];
        return Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)'"')]);
    }

    private void Compare(SparkleProcess sparkle, StateSnapshot published)
    {
        var version = sparkle.Link.Version;
        if (version < _version)
            throw new ViolationException($"D1: Sparkle went from version {_version} back to {version}.");
        var committed = world.Database.History[version];
        if (!AreSame(Held(world.Catalog, committed), Held(world.Catalog, published)))
            throw new ViolationException($"D1: Sparkle's desired rows are not version {version} of the database.");
        if (version == _version && _version != 0)
            return;
        _version = version;
        foreach (var machine in world.Machines)
        {
            var meant = MeantOf(machine);
            var now = Meant(world.Catalog, committed, machine.Uuid);
            if (!AreSame(meant[^1].Rows, now))
                meant.Add((version, now));
        }
    }

    private List<(int Version, Dictionary<(Entity Entity, RowKey Key), object> Rows)> MeantOf(Machine machine)
    {
        if (!_meant.TryGetValue(machine, out var meant))
            _meant.Add(machine, meant = [(0, [])]);
        return meant;
    }
}
