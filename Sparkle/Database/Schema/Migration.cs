using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace PonyCloud.Sparkle.Database.Schema;

/// <summary>One step of the schema, as a file <c>NNNN-name.sql</c>.</summary>
/// <param name="Version">The number in front, from 1 without gaps.</param>
/// <param name="File">The name of the file.</param>
/// <param name="Sql">What it holds.</param>
public sealed record Migration(int Version, string File, string Sql)
{
    private const string Prefix = "schema/";

    /// <summary>SHA-256 of the text, in hexadecimal.</summary>
    public string Checksum { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));

    /// <summary>The migrations inside this binary, in order.</summary>
    /// <exception cref="SchemaException">A file is not numbered, or the numbers have a gap.</exception>
    public static IReadOnlyList<Migration> Embedded()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return InOrder(assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
                return (name[Prefix.Length..], reader.ReadToEnd());
            }));
    }

    /// <inheritdoc cref="Embedded"/>
    public static IReadOnlyList<Migration> InOrder(IEnumerable<(string File, string Sql)> files)
    {
        var migrations = files.Select(file => new Migration(VersionOf(file.File), file.File, file.Sql))
            .OrderBy(migration => migration.Version).ToArray();
        for (var i = 0; i < migrations.Length; i++)
        {
            if (migrations[i].Version != i + 1)
                throw new SchemaException($"{migrations[i].File} should have the number {i + 1:0000}.");
        }
        return migrations;
    }

    private static int VersionOf(string file) =>
        file.Length > 9 && file[4] == '-'
            && int.TryParse(file.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : throw new SchemaException($"{file} is not named NNNN-what.sql.");
}
