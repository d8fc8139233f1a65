# Чи може цей застосунок діяти від мого імені?

consent-title = Дозволити { $client }?
consent-heading = Дозволити застосунку { $client } користуватися вашим обліковим записом?
consent-lead = { $client } просить дозволу діяти від вашого імені: { $person }. Ви можете будь-коли забрати дозвіл у розділі «Підключені застосунки».
consent-application = Застосунок
consent-checked = Хто перевірив
consent-verified = Перевірено
consent-verified-by = — { $who }
consent-not-verified = Не перевірено
consent-nobody-checked = Ніхто не перевіряв, хто його створив. Дозволяйте, лише якщо знаєте цих людей.
consent-returns = Куди піде відповідь
consent-on-device = до застосунку на цьому пристрої ({ $scheme }://)
consent-before = Раніше
consent-before-none = Ви ще нічого не дозволяли цьому застосунку.
consent-before-some = { $many ->
    [one] Ви вже дозволяли { $many } із цього.
    [few] Ви вже дозволяли { $many } із цього.
   *[many] Ви вже дозволяли { $many } із цього.
}
consent-before-all = Ви вже дозволяли все це. Ми питаємо знову, бо лише ви можете підтвердити, що це справді той самий застосунок.
consent-asks = Він просить дозволу
consent-hint = Зніміть позначку з того, чого не хочете дозволяти.
consent-before-mark = Дозволено раніше
consent-needed-sign-in = Без цього він не зможе вас упізнати
consent-needed-launch = Без цього він не знатиме, чию картку відкрити
consent-allow = Дозволити
consent-deny = Не дозволяти

group-you = Про вас
group-record = У медичній картці
group-services = Ваші підключені сервіси
group-away = Коли вас немає
group-other = Інші дозволи
