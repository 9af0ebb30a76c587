using System.Collections.Concurrent;
using PonyCloud.Twilight.Storage.Transfers;

namespace PonyCloud.Twilight.Tests.Storage.Transfers;

/// <summary>The contents of a host, as the test puts them there.</summary>
internal sealed class FakeContents : IVolumeContents
{
    private readonly ConcurrentDictionary<Guid, IVolumeContent> _contents = new();

    public IVolumeContent this[Guid volume]
    {
        set => _contents[volume] = value;
    }

    public ValueTask<IVolumeContent?> FindAsync(Guid volume, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_contents.GetValueOrDefault(volume));
}
