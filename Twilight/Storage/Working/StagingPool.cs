using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>The host's own pool: copies of images whose pools keep none.</summary>
internal static class StagingPool
{
    private const string Folder = "images";

    /// <summary>No row has it.</summary>
    internal static readonly Guid Uuid = Guid.Empty;

    internal static PoolDefinition Of(string directory) => new()
    {
        Pool = new StoragePoolDesired
        {
            Uuid = Uuid,
            Name = "staging",
            Type = StoragePoolType.Dir,
            Config = JsonText.From(JsonSerializer.SerializeToElement(new { path = Path.Combine(directory, Folder) })),
        },
    };
}
