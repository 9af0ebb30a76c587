using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Makes the value of a password column of <c>{"password": …, "current_password": …}</c>. Whoever changes their own
/// password shows that they know the present one: a stolen token is not enough to take an account over. Operators set
/// the passwords of others without.
/// </summary>
public sealed class PasswordReader(Passwords passwords, LoginGate gate)
{
    private const string New = "password";
    private const string Current = "current_password";

    /// <param name="name">The key of the row, which is the name to log in with.</param>
    /// <param name="existing">What the column holds now.</param>
    /// <returns>The value; null for JSON's null, and when an error was reported.</returns>
    /// <exception cref="ProblemException">Too many wrong passwords were given as the present one.</exception>
    internal JsonText? Read(Column column, JToken token, string pointer, string? name, JsonText? existing, WriteScope scope)
    {
        var mustProve = existing is not null && (!scope.Caller.IsAlicorn || scope.Caller.Email == name);
        if (token.Type == JTokenType.Null)
        {
            if (mustProve)
                scope.Fail(pointer, ProblemKind.NullField, $"Only another operator of the platform takes {column.Name} away.");
            return null;
        }
        if (token is not JObject given || given[New] is not JValue { Value: string password })
        {
            scope.Fail(pointer, ProblemKind.WrongType, $"{column.Name} must be an object with the member {New}, a text.");
            return null;
        }
        var before = scope.Errors.Count;
        foreach (var member in given.Properties().Where(member => member.Name is not (New or Current)))
            scope.Fail($"{pointer}/{JsonPointer.Escape(member.Name)}", ProblemKind.UnknownField, $"{column.Name} has no member of this name.");
        if (PasswordRules.Check(password, name) is { } problem)
            scope.Fail($"{pointer}/{New}", ProblemKind.WeakPassword, problem);
        if (mustProve && given[Current] is not JValue { Value: string })
            scope.Fail($"{pointer}/{Current}", ProblemKind.MissingField, $"Who changes their own password also gives the present one, as {Current}.");
        // Slow on purpose, so not for a request that is refused anyway.
        if (scope.Errors.Count > 0)
            return null;
        if (mustProve)
            Prove((string)given[Current]!, existing!, $"{pointer}/{Current}", scope);
        return scope.Errors.Count == before ? passwords.Hash(password) : null;
    }

    private void Prove(string password, JsonText existing, string pointer, WriteScope scope)
    {
        var session = scope.Caller.Token?.Session.ToString() ?? "";
        var result = gate.Prove(session, scope.Caller.Email, existing, password);
        if (result.RetryAfter is { } wait)
            throw new ProblemException(new Problem(ProblemKind.TooManyRequests, "Too many wrong passwords. Wait before the next.") { RetryAfter = wait });
        if (!result.IsRight)
            scope.Fail(pointer, ProblemKind.WrongPassword, "This is not the present password.");
    }
}
