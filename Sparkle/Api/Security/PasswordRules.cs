using System.Globalization;
using System.Text;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>
/// Which passwords are taken, after NIST SP 800-63B: length counts, a mixture of kinds of characters does not, and what
/// everybody would try first is refused.
/// </summary>
public static class PasswordRules
{
    /// <summary>In characters, as Unicode counts them.</summary>
    public const int MinLength = 12;

    /// <inheritdoc cref="MinLength"/>
    public const int MaxLength = 128;

    /// <summary>So much must remain of a password when the user's name is taken out of it.</summary>
    private const int MinBesideName = 8;

    private const int LongestPeriod = 6;
    private const int ShortestName = 3;

    /// <summary>What people go along, on a keyboard or in their heads.</summary>
    private static readonly string[] Walks =
    [
        "012345678901234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop",
        "qsdfghjklm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "qazwsxedcrfvtgbyhnujmik",
    ];

    /// <summary>Words of which many passwords are made. A password of nothing else is no better for its digits.</summary>
    private static readonly HashSet<string> Words = new(
        """
        a i my the is me no you love iloveyou
        password passwort passwords pass passphrase passwd parole login logon signin access secret secure security private
        admin administrator root user guest operator owner master super superuser system sysadmin service server test testing tester demo
        default temp temporary changeme change letmein enter open welcome hello hallo goodbye please thanks
        ponycloud pony cloud alicorn sparkle twilight ubuntu debian linux windows computer internet network database oracle mysql postgres
        qwerty qwertz azerty qwe asd zxc abc abcd abcde abcdef
        monkey dragon tiger eagle falcon panther wolf lion bear horse cat dog kitty puppy butterfly flower
        football baseball basketball soccer hockey tennis golf chelsea arsenal liverpool barcelona juventus
        princess prince king queen angel baby sweet sweetheart honey lovely darling friend friends family mother father
        sunshine shadow summer winter spring autumn monday friday january december
        superman batman spiderman starwars pokemon matrix ninja samurai trustno one freedom whatever nothing
        michael jessica ashley daniel andrew thomas george charlie jordan nicole hannah samantha jennifer william
        london paris berlin america england germany france canada australia
        money silver golden diamond purple orange yellow banana apple cookie chocolate coffee pepper ginger
        """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries),
        StringComparer.Ordinal);

    private static readonly int LongestWord = Words.Max(word => word.Length);

    /// <param name="name">The email address of whose password it is to be; null when it is not known.</param>
    /// <returns>What is wrong with it, as a sentence that does not repeat it; null when nothing is.</returns>
    public static string? Check(string password, string? name)
    {
        var length = password.EnumerateRunes().Count();
        if (length is < MinLength or > MaxLength)
            return $"A password has {MinLength} to {MaxLength} characters.";
        var plain = password.ToLower(CultureInfo.InvariantCulture);
        if (name is not null && IsMadeOf(name.ToLower(CultureInfo.InvariantCulture), plain))
            return "A password is not made of the user's email address.";
        return IsRepetition(plain) || IsWalk(plain) || IsCommon(Letters(plain)) || IsCommon(Letters(Unmasked(plain)))
            ? "This password is one of those that are tried first."
            : null;
    }

    private static bool IsMadeOf(string name, string password)
    {
        if (password.Contains(name, StringComparison.Ordinal))
            return true;
        var at = name.LastIndexOf('@');
        var local = at > 0 ? name[..at] : name;
        return local.Length >= ShortestName
            && password.Contains(local, StringComparison.Ordinal)
            && password.Replace(local, "", StringComparison.Ordinal).Length < MinBesideName;
    }

    // One stretch again and again, such as abcabcabcabc.
    private static bool IsRepetition(string password)
    {
        for (var period = 1; period <= LongestPeriod; period++)
        {
            if (password.AsSpan(period).SequenceEqual(password.AsSpan(0, password.Length - period)))
                return true;
        }
        return false;
    }

    // Nothing but stretches of at least three characters of a walk, forwards or backwards, such as 123456qwerty.
    private static bool IsWalk(string password)
    {
        for (var at = 0; at < password.Length;)
        {
            var longest = 0;
            foreach (var walk in Walks)
                longest = Math.Max(longest, Math.Max(Along(walk, password, at), Along(Reversed(walk), password, at)));
            if (longest < 3)
                return false;
            at += longest;
        }
        return true;
    }

    private static int Along(string walk, string password, int at)
    {
        var start = walk.IndexOf(password[at], StringComparison.Ordinal);
        if (start < 0)
            return 0;
        var length = 0;
        while (at + length < password.Length && start + length < walk.Length && password[at + length] == walk[start + length])
            length++;
        return length;
    }

    private static string Reversed(string text)
    {
        var characters = text.ToCharArray();
        Array.Reverse(characters);
        return new string(characters);
    }

    // Nothing but words of the list, whatever digits and signs stood around them.
    private static bool IsCommon(string letters)
    {
        if (letters.Length == 0)
            return false;
        var ends = new bool[letters.Length + 1];
        ends[0] = true;
        for (var end = 1; end <= letters.Length; end++)
        {
            for (var start = Math.Max(0, end - LongestWord); start < end && !ends[end]; start++)
                ends[end] = ends[start] && Words.Contains(letters[start..end]);
        }
        return ends[letters.Length];
    }

    private static string Letters(string password)
    {
        var letters = new StringBuilder(password.Length);
        foreach (var character in password.Where(char.IsLetter))
            letters.Append(character);
        return letters.ToString();
    }

    // Digits and signs that stand for letters, between others only: behind a word they are its decoration.
    private static string Unmasked(string password)
    {
        var end = password.Length;
        while (end > 0 && !char.IsLetter(password[end - 1]))
            end--;
        var text = new StringBuilder(end);
        foreach (var character in password.AsSpan(0, end))
        {
            text.Append(character switch
            {
                '0' => 'o',
                '1' or '!' => 'i',
                '3' => 'e',
                '4' or '@' => 'a',
                '5' or '$' => 's',
                '7' => 't',
                _ => character,
            });
        }
        return text.ToString();
    }
}
