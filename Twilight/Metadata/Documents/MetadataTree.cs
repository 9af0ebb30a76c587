namespace PonyCloud.Twilight.Metadata.Documents;

/// <summary>All that an instance can read of itself by HTTP, by path. Pure.</summary>
public static class MetadataTree
{
    /// <returns>Null when there is nothing.</returns>
    public static MetadataNode? Find(InstanceMetadata instance, string path)
    {
        var names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return names switch
        {
            [] => MetadataNode.Branch.Of([], [Ec2Tree.Versions, OpenStackTree.Name]),
            [OpenStackTree.Name, ..] => OpenStackTree.Of(instance).Find(names.AsSpan(1)),
            [var version, ..] when Ec2Tree.IsVersion(version) => Ec2Tree.Of(instance).Find(names.AsSpan(1)),
            _ => null,
        };
    }
}
