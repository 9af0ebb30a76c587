using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>Makes and checks salted password hashes, by the framework's hasher.</summary>
public sealed class Passwords
{
    /// <summary>UTF-16 units; a login with more is wrong, whatever it is.</summary>
    public const int MaxChecked = 2 * PasswordRules.MaxLength;

    private readonly PasswordHasher<UserDesired> _hasher = new();
    private readonly UserDesired _nobody = new() { Email = "" };

    // Somebody who does not exist, or has no password, is checked against this, so that it takes as long.
    private readonly string _decoy;

    public Passwords() => _decoy = _hasher.HashPassword(_nobody, Generate());

    /// <summary>A password nobody can guess, of characters that nobody mistakes for each other.</summary>
    public static string Generate() => RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", 24);

    /// <summary>The value of a password column.</summary>
    public JsonText Hash(string password) => JsonText.Parse(new JObject
    {
        ["method"] = "password",
        ["hash"] = _hasher.HashPassword(_nobody, password),
    }.ToString(Formatting.None));

    /// <summary>Whether it is the password in that column. Slow on purpose, and as slow when there is none.</summary>
    public bool Verify(JsonText? stored, string password)
    {
        var hash = HashIn(stored);
        return _hasher.VerifyHashedPassword(_nobody, hash ?? _decoy, password) != PasswordVerificationResult.Failed && hash is not null;
    }

    private static string? HashIn(JsonText? stored)
    {
        if (stored is null)
            return null;
        using var document = System.Text.Json.JsonDocument.Parse(stored.Text);
        return document.RootElement is { ValueKind: System.Text.Json.JsonValueKind.Object } root
            && root.TryGetProperty("method", out var method) && method.ValueEquals("password")
            && root.TryGetProperty("hash", out var hash) && hash.ValueKind == System.Text.Json.JsonValueKind.String
                ? hash.GetString()
                : null;
    }
}
